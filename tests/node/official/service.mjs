// A service application, as @itwin/service-authorization signs it in.
import assert from "node:assert/strict";
import { ServiceAuthorizationClient } from "@itwin/service-authorization";

const { ITP_API_URL, ITP_ISSUER_URL, ITP_SERVICE_CLIENT_ID, ITP_SERVICE_CLIENT_SECRET, IMODEL_ID } = process.env;
const client = (clientSecret) => new ServiceAuthorizationClient({
  authority: ITP_ISSUER_URL, clientId: ITP_SERVICE_CLIENT_ID, clientSecret, scope: "itwin-platform",
});
const service = client(ITP_SERVICE_CLIENT_SECRET);
const token = await service.getAccessToken();
assert.equal(service.isAuthorized, true);
assert.equal(await service.getAccessToken(), token);

const url = `${ITP_API_URL}/synchronization/imodels/storageconnections?imodelId=${IMODEL_ID}`;
assert.equal((await fetch(url, { headers: { Authorization: token } })).status, 200);
await assert.rejects(client("guess").getAccessToken());
