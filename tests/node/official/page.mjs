// A person in a browser: a page of another origin signs in with @itwin/browser-authorization and calls the API (CORS).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { build } from "esbuild";
import puppeteer from "puppeteer-core";

const { ITP_API_URL, ITP_ISSUER_URL, NATIVE_CLIENT_ID, IMODEL_ID, STORAGE_FILE_ID, CHROMIUM, SCREENSHOT } = process.env;
const settings = JSON.stringify({
  issuer: ITP_ISSUER_URL, api: ITP_API_URL, clientId: NATIVE_CLIENT_ID, imodelId: IMODEL_ID, storageFileId: STORAGE_FILE_ID,
});
const options = { entryPoints: ["page_client.mjs"], bundle: true, format: "esm", write: false, logLevel: "error" };
const [script] = (await build(options)).outputFiles;
const html = `<!DOCTYPE html><title>starting</title><script type="application/json" id="settings">${settings}</script>
<script type="module" src="/page.js"></script>`;
const server = createServer((request, response) => {
  const isScript = request.url === "/page.js";
  response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
  response.end(isScript ? script.text : html);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await puppeteer.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  const titled = (title) => page.waitForFunction((text) => document.title === text, { timeout: 20000 }, title);
  page.on("pageerror", (error) => console.error("page:", error.message));
  await page.goto(origin);
  await titled("signed out");
  await Promise.all([page.waitForNavigation(), page.evaluate(() => { window.signIn(); })]);
  assert.equal(await page.title(), "Sign in");
  if (SCREENSHOT) await page.screenshot({ path: SCREENSHOT });
  await page.locator("button[value=allow]").click();
  await titled("signed in");
  const done = await page.evaluate(() => window.job());
  assert.deepEqual([done.run, done.malformed], [202, 422]);
  assert.match(done.location, /^http:\/\/127\.0\.0\.1:\d+\/synchronization\/imodels\/storageconnections\//);

  await Promise.all([page.waitForNavigation(), page.evaluate(() => { window.signOut(); })]);
  await page.waitForFunction(() => location.pathname === "/bye");
  await titled("signed out");
} finally {
  await browser.close();
  server.close();
}
