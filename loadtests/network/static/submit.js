// Save a click: the button stays for browsers without scripts.
"use strict";
document.getElementById("to-the-bank").submit();
