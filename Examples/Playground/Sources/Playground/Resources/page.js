// Lets the card "From a script" use the session, and keeps the card beside it up to date.
import { useSession } from "/api/session/client.js";

const controls = document.querySelector("#script");
const draft = document.querySelector("#draft");
const shown = document.querySelector("#session");
const status = document.querySelector("#script-status");

const done = {
  update: "Updated: the other fields are as they were.",
  overwrite: "Overwritten: of what a script may write, only this is left.",
  refresh: "Read anew.",
  reset: "A new start. Load the page again, and it counts from one.",
  remove: "The session is over. Load the page again, and a new one begins.",
};

function say(text, isBad = false) {
  status.textContent = text;
  status.classList.toggle("bad", isBad);
}

async function run(name, call) {
  try {
    const fields = name === "update" || name === "overwrite" ? [JSON.parse(draft.value)] : [];
    const { error } = await call(...fields);
    say(error ? error.message : done[name], error !== null);
  } catch (error) {
    say(error instanceof SyntaxError ? `This is not JSON: ${error.message}` : error.message, true);
  }
}

const ends = {
  loggedOut: "This session was logged out. Load the page again to begin a new one.",
  revoked: "This session was ended from another browser. Load the page again to begin a new one.",
  overLimit: "Too many sessions: this one was the oldest. Load the page again to begin a new one.",
  replaced: "Somebody logged in with this browser. Load the page again.",
};

// Stays open and says when the session ends, also if another browser or server ended it.
const stream = new EventSource("/session/events");
stream.addEventListener("end", ({ data }) => {
  stream.close();
  const notice = document.querySelector("#ended");
  if (!notice) return;
  notice.textContent = ends[data] ?? "This session has ended. Load the page again to begin a new one.";
  notice.hidden = false;
});

// Pages without the card, as those that tell of an error, have nothing to do.
if (controls) {
  const { session, subscribe, ...calls } = await useSession();
  subscribe(({ data, pending }) => {
    if (!session.error || data) shown.textContent = data === null ? "There is no session." : JSON.stringify(data, null, 2);
    shown.setAttribute("aria-busy", String(pending));
  });
  controls.addEventListener("click", ({ target }) => {
    const name = target.dataset.call;
    if (name) void run(name, calls[name]);
  });
  controls.disabled = false;
}
