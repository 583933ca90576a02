// Asks again after two seconds, just as the button does.
"use strict";
setTimeout(() => document.querySelector("button[name=action]").click(), 2000);
