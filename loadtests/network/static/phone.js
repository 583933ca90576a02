// Look for new messages every two seconds; replace the list only when it has changed.
"use strict";
async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("refreshed");
    const shown = document.getElementById("refreshed");
    if (fresh && fresh.innerHTML !== shown.innerHTML) shown.innerHTML = fresh.innerHTML;
  } catch (error) {
    // The network may be restarting: the next look will tell.
  }
}
setInterval(look, 2000);
