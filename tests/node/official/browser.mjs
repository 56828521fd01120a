#!/usr/bin/env node
// The browser that `open` starts through $BROWSER.
import { allow } from "./person.mjs";

await fetch(await allow(process.argv[2]));
