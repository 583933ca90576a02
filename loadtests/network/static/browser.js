// Tell the shop what an AReq has to say about this browser.
"use strict";
const form = document.querySelector("form.checkout");
form.elements.javascript.value = "yes";
form.elements.depth.value = String(screen.colorDepth);
form.elements.height.value = String(screen.height);
form.elements.width.value = String(screen.width);
form.elements.tz.value = String(new Date().getTimezoneOffset());
form.elements.language.value = navigator.language || "";
form.addEventListener("submit", () => {
  const button = document.getElementById("pay");
  button.disabled = true;
  button.textContent = "Asking the bank…";
});
// A page taken back from the browser's memory must be usable again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
