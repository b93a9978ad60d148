// Everything works without this file; it only makes some things quicker.
"use strict";

// After a refused form, start at what is wrong.
const problems = document.getElementById("problems");
if (problems) {
  problems.focus();
}
