// A person at a command line, as @itwin/node-cli-authorization signs them in.
import assert from "node:assert/strict";
import { NodeCliAuthorizationClient } from "@itwin/node-cli-authorization";

const { ITP_API_URL, ITP_ISSUER_URL, NATIVE_CLIENT_ID, IMODEL_ID } = process.env;
const configuration = {
  issuerUrl: ITP_ISSUER_URL,
  clientId: NATIVE_CLIENT_ID,
  scope: "itwin-platform",
  redirectUri: "http://localhost:3301/signin-callback",
  expiryBuffer: 2 * 3600, // seconds, longer than a token is valid
};
const url = `${ITP_API_URL}/synchronization/imodels/storageconnections?imodelId=${IMODEL_ID}`;

const client = new NodeCliAuthorizationClient(configuration);
await client.signIn();
const tokens = [await client.getAccessToken(), await client.getAccessToken()]; // each refreshed: see expiryBuffer
assert.notEqual(tokens[0], tokens[1]);
for (const token of tokens)
  assert.equal((await fetch(url, { headers: { Authorization: token } })).status, 200);
process.exit(0); // the library keeps its server for the redirect
