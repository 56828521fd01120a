// The whole job of a service application: an iTwin by @itwin/itwins-client, an iModel and its history by
// @itwin/imodels-client-management, content by @itwin/object-storage-azure. No library knows the rest of Storage and
// Synchronization, so that it is plain HTTP.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { IModelsClient, NamedVersionState, toArray } from "@itwin/imodels-client-management";
import { ITwinsAccessClient } from "@itwin/itwins-client";
import { AzureClientStorage, BlockBlobClientWrapperFactory } from "@itwin/object-storage-azure";
import { ServiceAuthorizationClient } from "@itwin/service-authorization";

const { ITP_API_URL, ITP_ISSUER_URL, ITP_SERVICE_CLIENT_ID, ITP_SERVICE_CLIENT_SECRET } = process.env;
const service = new ServiceAuthorizationClient({
  authority: ITP_ISSUER_URL, clientId: ITP_SERVICE_CLIENT_ID, clientSecret: ITP_SERVICE_CLIENT_SECRET, scope: "itwin-platform",
});
const token = await service.getAccessToken(); // "Bearer ..."
const authorization = async () => ({ scheme: "Bearer", token: token.split(" ")[1] });

async function call(method, path, body, status) {
  const headers = { Authorization: token, "Content-Type": "application/json", Prefer: "return=representation" };
  const options = { method, headers, body: body && JSON.stringify(body), redirect: "manual" };
  const answer = await fetch(new URL(path, ITP_API_URL), options);
  assert.equal(answer.status, status, `${method} ${path}`);
  return answer;
}
const json = async (...request) => (await call(...request)).json();

// iTwins

const iTwins = new ITwinsAccessClient(`${ITP_API_URL}/itwins`);
const done = (answer, status) => {
  assert.equal(answer.status, status, JSON.stringify(answer.error));
  return answer.data;
};
const asked = { displayName: "Valley", class: "Endeavor", subClass: "Project", number: "V-1" };
const { id: iTwinId } = done(await iTwins.createiTwin(token, asked), 201);
assert.equal(done(await iTwins.getAsync(token, iTwinId, "representation"), 200).number, "V-1");
assert.equal(done(await iTwins.updateiTwin(token, iTwinId, { displayName: "Broad valley" }), 200).displayName, "Broad valley");
const found = done(await iTwins.queryAsync(token, "Project", { search: "Broad", top: 10 }), 200);
assert.deepEqual(found.map(({ id }) => id), [iTwinId]);
assert.ok(done(await iTwins.getPrimaryAccountAsync(token), 200).id);
assert.deepEqual(done(await iTwins.queryFavoritesAsync(token), 200), []);

// iModels

const { iModels, changesets, namedVersions } = new IModelsClient({ api: { baseUrl: `${ITP_API_URL}/imodels` } });
const iModelProperties = { iTwinId, name: "Bridge", description: "A bridge" };
const { id: iModelId } = await iModels.createEmpty({ authorization, iModelProperties });
const inIModel = { authorization, iModelId };
await assert.rejects(iModels.createEmpty({ authorization, iModelProperties }), { code: "iModelExists" });
assert.equal((await iModels.getSingle(inIModel)).description, "A bridge");
assert.equal((await iModels.update({ ...inIModel, iModelProperties: { name: "Old bridge" } })).name, "Old bridge");
const listed = await toArray(iModels.getRepresentationList({ authorization, urlParams: { iTwinId, $top: 1 } }));
assert.deepEqual(listed.map(({ id, name }) => [id, name]), [[iModelId, "Old bridge"]]);

// Files: 12 MiB in blocks, and what comes back

const top = await json("GET", `/storage/?iTwinId=${iTwinId}`, undefined, 200);
const created = await json("POST", `${top._links.folder.href}/files`, { displayName: "Bridge.dgn" }, 202);
const { uploadUrl, completeUrl } = created._links;
const content = randomBytes(12 * 2 ** 20);
const store = new AzureClientStorage(new BlockBlobClientWrapperFactory());
await store.upload({ url: uploadUrl.href, data: Readable.from(content), storageType: "azure" });
const { file } = await json("POST", completeUrl.href, undefined, 200);
assert.equal(file.size, content.length);
const { headers } = await call("GET", `/storage/files/${file.id}/download`, undefined, 302);
const back = { url: headers.get("location"), transferType: "buffer", storageType: "azure" };
assert.ok(content.equals(await store.download(back)));

// The run

const connections = "/synchronization/imodels/storageconnections";
const sourceFiles = [{ storageFileId: file.id, connectorType: "MSTN" }];
const { connection } = await json("POST", connections, { iModelId, authenticationType: "Service", sourceFiles }, 201);
let run = (await call("POST", `${connections}/${connection.id}/run`, undefined, 202)).headers.get("location");
for (let state = ""; state !== "Completed"; await sleep(200)) ({ run: { state } } = await json("GET", run, undefined, 200));
assert.match((await json("GET", run, undefined, 200)).run.result, /^(Success|PartialSuccess|Error)$/);

// What it left: the pages of the list, one changeset by its index, a named version on it

const history = await toArray(changesets.getRepresentationList({ ...inIModel, urlParams: { $top: 3 } }));
assert.deepEqual(history.map(({ index }) => index), history.map((_, number) => number + 1));
const last = await changesets.getSingle({ ...inIModel, changesetIndex: history.length });
assert.equal(last.parentId, history.at(-2).id);
const namedVersionProperties = { name: "As built", changesetId: last.id };
const version = await namedVersions.create({ ...inIModel, namedVersionProperties });
assert.equal((await last.getCreator()).statistics.pushedChangesetsCount, history.length);
assert.match((await version.getCreator()).email, new RegExp(`^${ITP_SERVICE_CLIENT_ID}@`));
const hidden = { ...inIModel, namedVersionId: version.id, namedVersionProperties: { state: NamedVersionState.Hidden } };
assert.equal((await namedVersions.update(hidden)).state, "hidden");
assert.equal((await toArray(namedVersions.getMinimalList(inIModel))).length, 1);

await iModels.delete(inIModel);
await assert.rejects(iModels.getSingle(inIModel), { code: "iModelNotFound" });
await call("GET", `${connections}/${connection.id}`, undefined, 404);
done(await iTwins.deleteiTwin(token, iTwinId), 204);
done(await iTwins.getAsync(token, iTwinId), 404);
