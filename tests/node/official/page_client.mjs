// The page of an application in a browser, which signs in with @itwin/browser-authorization; page.mjs serves it.
import { BrowserAuthorizationClient } from "@itwin/browser-authorization";

const { issuer, api, clientId, imodelId, storageFileId } = JSON.parse(document.getElementById("settings").textContent);
const client = new BrowserAuthorizationClient({
  authority: issuer,
  clientId,
  scope: "openid email offline_access itwin-platform",
  redirectUri: `${location.origin}/callback`,
  postSignoutRedirectUri: `${location.origin}/bye`,
  responseType: "code",
});

async function call(method, path, body) {
  const headers = { Authorization: await client.getAccessToken(), "Content-Type": "application/json" };
  headers.Prefer = "return=representation";
  return fetch(`${api}/synchronization/imodels${path}`, { method, headers, body: body && JSON.stringify(body) });
}

window.signIn = () => client.signInRedirect();
window.signOut = () => client.signOutRedirect();
window.job = async () => {
  const sourceFiles = [{ storageFileId, connectorType: "MSTN" }];
  const created = await call("POST", "/storageconnections", { iModelId: imodelId, displayName: "page", sourceFiles });
  const { connection } = await created.json();
  const run = await call("POST", `/storageconnections/${connection.id}/run`);
  const malformed = await call("GET", `/storageconnections/${connection.id}x`);
  return { run: run.status, location: run.headers.get("Location"), malformed: malformed.status };
};
if (location.pathname === "/callback") {
  await client.handleSigninCallback();
} else {
  await client.signInSilent().catch(() => undefined);
  document.title = client.isAuthorized ? "signed in" : "signed out";
}
