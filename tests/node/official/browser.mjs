#!/usr/bin/env node
// The browser that `open` starts through $BROWSER.
import { allow } from "./person.mjs";

const back = await allow(process.argv[2]);
if (back !== null) await fetch(back);
