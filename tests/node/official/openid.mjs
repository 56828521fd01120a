// A person, as openid-client signs them in, which is certified for OpenID Connect and checks all it can.
import assert from "node:assert/strict";
import * as oidc from "openid-client";
import { allow } from "./person.mjs";

const { ITP_ISSUER_URL, NATIVE_CLIENT_ID } = process.env;
const config = await oidc.discovery(new URL(ITP_ISSUER_URL), NATIVE_CLIENT_ID, undefined, oidc.None(), {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
});
const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: "http://127.0.0.1:1/callback",
  scope: "openid email offline_access itwin-platform",
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  state: expectedState,
  nonce: expectedNonce,
});
const back = new URL(await allow(url));
const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState, expectedNonce });
const { sub } = tokens.claims();
assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub)).email, "jane.doe@example.com");

const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
assert.equal(refreshed.claims().sub, sub);
await oidc.tokenRevocation(config, refreshed.refresh_token);
await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token), { error: "invalid_grant" });
assert.match(oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }).href, /\/connect\/endsession\?/);
