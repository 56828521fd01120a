// The keychain of the operating system is a native module, which is not built here and which the library does not use on
// Linux. An empty module stands for it.
const Module = require("node:module");

const load = Module._load;
Module._load = (request, ...rest) => (request === "keytar" ? {} : load(request, ...rest));
