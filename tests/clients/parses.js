// Says whether a piece of code is JavaScript, without running it.
"use strict";
let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  new (require("node:vm").Script)(JSON.parse(text).code);
  process.stdout.write("true");
});
