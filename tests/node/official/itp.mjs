// The platform's own command line, which is not on npm: ITP is the path of its bin/run.js. It gets nothing but the
// export lines, and does the whole job with each of its commands that the emulator has operations for.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const home = mkdtempSync(join(tmpdir(), "itp-")); // it keeps its token there
const { ITP, NATIVE_CLIENT_ID } = process.env;
const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home };

function run(command, flags, more = env) {
  const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const options = { env: more, encoding: "utf8", timeout: 60000 };
  return spawnSync(process.execPath, [ITP, ...command.split(" "), ...words, "--json"], options);
}
function succeeds(command, flags = {}, more = env) {
  const { status, stdout, stderr } = run(command, flags, more);
  assert.equal(status, 0, `itp ${command}: ${stdout}${stderr}`);
  return stdout;
}
const itp = (...command) => JSON.parse(succeeds(...command));
const path = (name, content) => {
  writeFileSync(join(home, name), content);
  return join(home, name);
};

function products() {
  const itwin = itp("itwin create", { name: "Valley", class: "Endeavor", "sub-class": "Project" }).id;
  const inITwin = { "itwin-id": itwin };
  assert.equal(itp("itwin update", { ...inITwin, name: "Broad valley" }).displayName, "Broad valley");
  assert.equal(itp("itwin info", inITwin).displayName, "Broad valley");
  assert.deepEqual(itp("itwin list", { search: "Broad" }).map(({ id }) => id), [itwin]);

  const imodel = itp("imodel create", { ...inITwin, name: "Bridge" }).id;
  const inIModel = { "imodel-id": imodel };
  assert.equal(itp("imodel update", { ...inIModel, name: "Old bridge" }).displayName, "Old bridge");
  assert.equal(itp("imodel info", inIModel).iTwinId, itwin);
  assert.deepEqual(itp("imodel list", inITwin).map(({ id }) => id), [imodel]);
  return { inITwin, inIModel };
}

function storage(inITwin) {
  const root = itp("storage root-folder", inITwin)._links.folder.href.split("/").pop();
  const folder = itp("storage folder create", { "parent-folder-id": root, name: "Drawings" }).id;
  const inFolder = { "folder-id": folder };
  assert.equal(itp("storage folder update", { ...inFolder, name: "Models" }).displayName, "Models");
  assert.equal(itp("storage folder info", inFolder).displayName, "Models");
  assert.deepEqual(itp("storage folder list", { "folder-id": root }).map(({ id }) => id), [folder]);

  const created = itp("storage file create", { ...inFolder, name: "Bridge.dgn" })._links;
  const file = created.completeUrl.href.split("/").at(-2);
  const of = { "file-id": file };
  itp("storage file upload", { "upload-url": created.uploadUrl.href, "file-path": path("Bridge.dgn", "lines") });
  assert.equal(itp("storage file update-complete", of).size, 5);
  const renewed = itp("storage file update-content", of)._links.uploadUrl.href;
  itp("storage file upload", { "upload-url": renewed, "file-path": path("Bridge.dgn", "more lines") });
  assert.equal(itp("storage file update-complete", of).size, 10);
  itp("storage file update", { ...of, description: "A bridge" });
  assert.equal(itp("storage file info", of).description, "A bridge");
  assert.deepEqual(itp("storage file list", inFolder).map(({ id }) => id), [file]);
  return { of, inFolder };
}

function synchronization(inIModel, storageFile) {
  const kind = { "connector-type": "MSTN" };
  const created = itp("imodel connection create", { ...inIModel, "file-id": storageFile, ...kind, name: "Nightly" });
  const of = { "connection-id": created.id };
  assert.equal(created.authenticationType, "Service");
  const renamed = itp("imodel connection update", { ...of, name: "Daily" });
  assert.deepEqual([renamed.displayName, renamed.authenticationType], ["Daily", "User"]); // the default of a PUT
  itp("imodel connection update", { ...of, "authentication-type": "Service" });
  assert.equal(itp("imodel connection info", of).displayName, "Daily");
  assert.deepEqual(itp("imodel connection list", inIModel).connections.map(({ id }) => id), [created.id]);

  const [source] = itp("imodel connection sourcefile list", of);
  const { id } = itp("imodel connection sourcefile add", { ...of, ...kind, "storage-file-id": process.env.STORAGE_FILE_ID });
  const ofSource = { ...of, "source-file-id": id };
  itp("imodel connection sourcefile update", { ...ofSource, "connector-type": "CIVIL", "storage-file-id": process.env.STORAGE_FILE_ID });
  assert.equal(itp("imodel connection sourcefile info", ofSource).connectorType, "CIVIL");
  itp("imodel connection sourcefile delete", ofSource);
  assert.deepEqual(itp("imodel connection sourcefile list", of).map((one) => one.id), [source.id]);

  assert.deepEqual(itp("imodel connection run create", of), { result: "started" });
  const [{ id: runId }] = itp("imodel connection run list", of).runs;
  const ofRun = { ...of, "connection-run-id": runId };
  while (itp("imodel connection run info", ofRun).state !== "Completed");
  itp("imodel connection delete", of);
}

function history(inIModel) {
  const done = itp("imodel populate", { ...inIModel, file: path("Road.dgn", "lines") }); // uploads, connects, runs, waits
  assert.equal(done.summary[0].files[0].connectorType, "MSTN");
  const changesets = itp("imodel changeset list", inIModel);
  assert.ok(changesets.length > 10);
  const last = itp("imodel changeset info", { ...inIModel, "changeset-index": changesets.length });
  const version = itp("imodel named-version create", { ...inIModel, name: "As built", "changeset-id": last.id });
  assert.equal(itp("imodel named-version info", { ...inIModel, "named-version-id": version.id }).changesetId, last.id);
  assert.equal(itp("imodel named-version list", inIModel).length, 1);
}

function person() {
  const { ITP_SERVICE_CLIENT_ID, ITP_SERVICE_CLIENT_SECRET, ...rest } = env;
  succeeds("auth login", { "client-id": NATIVE_CLIENT_ID }, rest);
  assert.equal(itp("user me", {}, rest).email, "jane.doe@example.com");
  assert.equal(itp("imodel connection auth", {}, rest).isUserAuthorized, true);
  succeeds("auth logout", {}, rest);
}

try {
  succeeds("auth login");
  assert.equal(itp("auth info").authorizationType, "Service");
  const me = itp("user me");
  assert.deepEqual(itp("user info", { "user-id": me.id }).map(({ id }) => id), [me.id]);
  assert.ok(itp("user search", { search: "service" }).some(({ id }) => id === me.id));
  const { inITwin, inIModel } = products();
  const { of, inFolder } = storage(inITwin);
  synchronization(inIModel, of["file-id"]);
  history(inIModel);
  itp("storage file delete", of);
  itp("storage folder delete", inFolder);
  itp("imodel delete", inIModel);
  assert.notEqual(run("imodel info", inIModel).status, 0);
  itp("itwin delete", inITwin);
  succeeds("auth logout");
  person();
} finally {
  rmSync(home, { recursive: true });
}
