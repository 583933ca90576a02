// Sugar only; the page does everything without it.
"use strict";

// Counts the seconds down until a new code may be asked for. The line is no live region: it is
// read when the button is reached, not every second.
const hint = document.getElementById("resend-hint");
if (hint && hint.dataset.wait) {
  const readyAt = performance.now() + Number(hint.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((readyAt - performance.now()) / 1000);
    hint.hidden = left <= 0;
    hint.textContent = hint.dataset.text.replace("{s}", String(left));
    if (left > 0) setTimeout(tick, 500);
  };
  tick();
}

// Browsers ignore autofocus in a frame of another site. After an answer of ours that needs doing
// something again, the cardholder was in this frame already, so the focus may come back to it.
if (document.querySelector("#notice[role=alert]")) {
  document.querySelector("[autofocus]").focus();
}

// Warns before the page stops waiting, and goes on to its end by itself. Read aloud twice: when the
// warning appears and 20 s before the end.
const warning = document.getElementById("warning");
const words = warning.querySelector("span");
const endsAt = Date.now() + Number(warning.dataset.left) * 1000;
let told;
function watch() {
  const left = Math.ceil((endsAt - Date.now()) / 1000);
  if (left <= 0) {
    press("continue");
    return;
  }
  const said = left <= 20 ? 20 : Number(warning.dataset.warned);
  if (left <= said && told !== said) {
    told = said;
    warning.hidden = false;
    words.textContent = warning.dataset.text.replace("{s}", String(said));
  }
  setTimeout(watch, 1000);
}
watch();
warning.querySelector("button")?.addEventListener("click", () => press("extend"));

// Sends the form as a button of that value would.
function press(action) {
  const button = document.createElement("button");
  button.name = "action";
  button.value = action;
  button.hidden = true;
  document.forms[0].append(button);
  button.click();
}

// A second click while the first is under way is dropped; after 8 s (a lost connection) the form
// can be sent again.
let sent = false;
document.forms[0].addEventListener("submit", (event) => {
  if (sent) {
    event.preventDefault();
    return;
  }
  sent = true;
  event.submitter?.setAttribute("data-busy", "");
  setTimeout(() => release(), 8000);
});

function release() {
  sent = false;
  document.querySelector("[data-busy]")?.removeAttribute("data-busy");
}
addEventListener("pageshow", release);
