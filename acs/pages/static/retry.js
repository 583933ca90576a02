// Asks again after four seconds, just as the button does.
"use strict";
setTimeout(() => document.querySelector("button").click(), 4000);
