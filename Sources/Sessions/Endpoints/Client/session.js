// The browser's side of the session endpoints. What it promises is told in session.d.ts.

/** Why a call got no usable answer. The session that is shown stays as it was. */
export class SessionRequestError extends Error {
  constructor(code, message, status = 0, cause = undefined) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SessionRequestError";
    this.code = code;
    this.status = status;
  }
}

/** A call whose method the server does not answer. Nothing was sent. */
export class SessionMethodError extends Error {
  constructor(call, methods, url) {
    super(
      `${call}() needs ${methods.join(" and ")}, which ${url} does not answer. ` +
        "Enable it in the methods of SessionEndpoints on the server.",
    );
    this.name = "SessionMethodError";
    this.methods = methods;
  }
}

// The server puts a line with what it knows before this module; a plain copy of the file does without.
const told = typeof servedWith === "undefined" ? {} : servedWith;
const stores = new Map();
// Timers take no longer delay; one that is due at once again and again, or while nothing answers, would ask without end.
const longestDelay = 2 ** 31 - 1;
const shortestDelay = 1_000;
const delayAfterFailure = 15_000;

export async function useSession(options = {}) {
  const { fetchOnInit, csrfToken, timeout = 30_000, credentials = "same-origin" } = options;
  const served = servedBase();
  const url = absolute(options.basePath ?? served ?? "/api/session");
  const field = options.csrfField ?? "X-CSRF-Token";
  const send = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const store = storeOf(url);
  const methods = options.methods ?? (url === served ? told.methods : undefined);
  if (methods) store.methods = new Set(methods);

  async function request(method, body) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const token = method === "GET" || method === "HEAD" ? undefined : await valueOf(csrfToken);
    if (token) headers[field] = token;
    const init = { method, headers, body, credentials, cache: "no-store", redirect: "error" };
    if (timeout > 0) init.signal = AbortSignal.timeout(timeout);
    // A time span from before the request: no later than what the server means, whatever the clocks say.
    const sent = Date.now();
    let response, text;
    try {
      response = await send(url, init);
      text = await response.text();
    } catch (error) {
      if (error?.name === "TimeoutError") {
        throw new SessionRequestError("timeout", `${method} ${url} took over ${timeout} ms`, 0, error);
      }
      throw new SessionRequestError("network", `${method} ${url} did not get through`, 0, error);
    }
    if (response.status === 405) store.learn(response.headers.get("Allow"));
    if (!response.ok) {
      const refusal = refusalIn(text);
      const message = refusal.message ?? (response.statusText || `the server answered ${response.status}`);
      throw new SessionRequestError(refusal.error ?? "http", `${method} ${url}: ${message}`, response.status);
    }
    if (response.status === 204 || response.status === 205) return { data: null, expires: null, text: "null" };
    const seconds = Number.parseInt(response.headers.get("X-Session-Expires-In") ?? "", 10);
    const expires = Number.isNaN(seconds) ? null : sent + seconds * 1_000;
    if (method === "HEAD") return { expires };
    try {
      if (/^application\/([^;]+\+)?json\s*(;|$)/i.test(response.headers.get("Content-Type") ?? "")) {
        return { data: JSON.parse(text), expires, text };
      }
    } catch {
      // Told below: no session can be read from it either way.
    }
    const message = `${method} ${url}: what the server answered is not JSON`;
    throw new SessionRequestError("invalid_response", message, response.status);
  }

  // One entry of the queue: its requests go out one after the other, and only if the server is known to answer all.
  function call(name, methods, body) {
    const refused = body?.refusal ?? store.refusal(name, methods, url);
    if (refused) return settling(Promise.reject(refused));
    return settling(
      store.enqueue(async () => {
        // An answer that came meanwhile may have told what is not enabled.
        const refused = store.refusal(name, methods, url);
        if (refused) throw refused;
        let answer;
        for (const method of methods) {
          if (answer) store.show({ data: answer.data, expires: answer.expires });
          answer = await request(method, body?.json);
          if (credentials !== "omit") store.announce(method, answer);
        }
        return answer;
      }),
    );
  }

  const calls = {
    refresh: () => call("refresh", ["GET"]),
    update: (fields) => call("update", ["PATCH"], bodyOf("update", fields)),
    overwrite: (fields) => call("overwrite", ["POST"], bodyOf("overwrite", fields)),
    remove: () => call("remove", ["DELETE"]),
    reset: () => call("reset", ["DELETE", "GET"]),
  };
  // The first use that may read does so for what happens in other tabs and for the time.
  if (!store.refusal("refresh", ["GET"], url)) store.reader ??= request;
  const warnBefore = options.warnBefore ?? 60_000;
  const onExpiring = (listener) => store.onExpiring(listener, warnBefore);
  // Where reading is not enabled there is nothing to fetch, unless the caller insists and is told so.
  if (fetchOnInit ?? !store.refusal("refresh", ["GET"], url)) await calls.refresh();
  return { session: store.session, subscribe: store.subscribe, onExpiring, ...calls };
}

// What all uses of one address on a page share: the session, who wants to know of it, and the order of calls.
function storeOf(url) {
  let store = stores.get(url);
  if (!store) {
    stores.set(url, (store = makeStore()));
    store.channel = channelOf(url, store.hear);
  }
  return store;
}

// Tells the other tabs and windows, where the browser lets them talk.
function channelOf(url, hear) {
  if (typeof BroadcastChannel !== "function") return undefined;
  try {
    const channel = new BroadcastChannel(`session ${url}`);
    channel.onmessage = ({ data }) => hear(data);
    channel.unref?.();
    return channel;
  } catch {
    return undefined; // A sandboxed page has no other tabs.
  }
}

function makeStore() {
  let state = Object.freeze({ data: null, error: null, pending: false, expires: null });
  let waiting = 0;
  let last = Promise.resolve();
  // The answer that is shown as it was written, to see whether another tab has another one.
  let shown;
  let isRereading = false;
  let timer;
  const listeners = new Set();
  const warnings = new Set();

  const tell = (listener) => {
    try {
      listener(state);
    } catch (error) {
      // One listener's mistake is not the others' nor the call's; the page's error handler hears of it.
      queueMicrotask(() => {
        throw error;
      });
    }
  };
  const store = {
    methods: undefined,
    session: Object.freeze(live({}, ["data", "error", "pending", "expires"], () => state)),
    show(change) {
      const hasMoved = change.expires !== undefined && change.expires !== state.expires;
      state = Object.freeze({ ...state, ...change });
      if (hasMoved) store.watch();
      for (const entry of [...listeners]) if (listeners.has(entry)) tell(entry.listener);
    },
    subscribe(listener) {
      if (typeof listener !== "function") throw new TypeError("subscribe() takes a function");
      const entry = { listener };
      listeners.add(entry);
      tell(listener);
      return () => void listeners.delete(entry);
    },
    enqueue(work) {
      waiting += 1;
      if (!state.pending) store.show({ pending: true });
      const result = last.then(work).then(
        ({ data, expires, text }) => {
          shown = text;
          return store.settle({ data, expires, error: null });
        },
        (error) => {
          if (error instanceof SessionRequestError) return store.settle({ error });
          store.settle({});
          throw error;
        },
      );
      last = result.catch(() => {});
      return result;
    },
    settle(change) {
      waiting -= 1;
      store.show({ ...change, pending: waiting > 0 });
      return Object.freeze({ ...state, pending: false });
    },
    // Waits for its turn among the calls, and shows nothing of that.
    inTurn(work) {
      last = last.then(work).catch(() => {});
      return last;
    },
    announce(method, { text, expires }) {
      store.channel?.postMessage(method === "DELETE" ? { ended: true } : { text, expires });
    },
    // What another tab saw. Of a change it is read anew, as answers may arrive here in another order than they were given;
    // what is read for that is not announced, so that tabs don't go on telling each other.
    hear({ ended, text, expires }) {
      if (ended) {
        store.inTurn(() => {
          shown = "null";
          store.show({ data: null, error: null, expires: null });
        });
      } else if (text === shown) {
        if (expires > (state.expires ?? Infinity)) store.show({ expires });
      } else if (shown !== undefined && store.reader && !isRereading) {
        isRereading = true;
        store.inTurn(async () => {
          isRereading = false;
          const answer = await store.reader("GET");
          shown = answer.text;
          store.show({ data: answer.data, expires: answer.expires, error: null });
        });
      }
    },
    onExpiring(listener, before) {
      if (typeof listener !== "function") throw new TypeError("onExpiring() takes a function");
      const entry = { listener, before, isTold: false };
      warnings.add(entry);
      store.watch();
      return () => {
        warnings.delete(entry);
        store.watch();
      };
    },
    // Sets the timer for what comes next: a warning, or the end.
    watch(least = 0) {
      clearTimeout(timer);
      if (state.expires === null || warnings.size === 0) return;
      const left = state.expires - Date.now();
      for (const entry of warnings) if (left > entry.before) entry.isTold = false;
      const due = [...warnings].map((entry) => (entry.isTold ? left : left - entry.before));
      const delay = Math.min(Math.max(least, Math.min(...due)), longestDelay);
      timer = setTimeout(() => void store.inTurn(store.check), delay);
      timer.unref?.();
    },
    // Asks how long it still is, which makes it no longer, and warns if that is not long.
    async check() {
      let least = shortestDelay;
      try {
        const known = state.expires > Date.now() ? state.expires : null;
        const expires = store.reader ? (await store.reader("HEAD")).expires : known;
        if (expires === null) {
          shown = "null";
          return store.show({ data: null, expires });
        }
        store.show({ expires });
      } catch {
        // Not reached, or not understood: what is known has to do.
        least = delayAfterFailure;
      }
      for (const entry of [...warnings]) {
        if (entry.isTold || !warnings.has(entry) || state.expires - Date.now() > entry.before) continue;
        entry.isTold = true;
        tell(entry.listener);
      }
      store.watch(least);
    },
    learn(allowed) {
      if (allowed === null) return;
      store.methods = new Set(allowed.split(",").map((method) => method.trim().toUpperCase()));
    },
    refusal(name, methods, url) {
      const missing = store.methods ? methods.filter((method) => !store.methods.has(method)) : [];
      return missing.length ? new SessionMethodError(name, missing, url) : undefined;
    },
  };
  return store;
}

// A promise that also shows how far it is, so that a call can be watched without awaiting it.
function settling(promise) {
  let state = { data: null, error: null, pending: true };
  const result = promise.then(
    (settled) => (state = settled),
    (error) => {
      state = { data: null, error, pending: false };
      throw error;
    },
  );
  return live(result, ["data", "error", "pending"], () => state);
}

// Gives an object members that show a state as it is when they are read.
function live(object, members, read) {
  for (const member of members) Object.defineProperty(object, member, { get: () => read()[member], enumerable: true });
  return object;
}

function bodyOf(name, fields) {
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) {
    return { refusal: new TypeError(`${name}() takes an object with the session's fields`) };
  }
  try {
    return { json: JSON.stringify(fields) };
  } catch (error) {
    return { refusal: new TypeError(`what ${name}() got can't be written as JSON`, { cause: error }) };
  }
}

function refusalIn(text) {
  try {
    const value = JSON.parse(text);
    const string = (member) => (typeof value?.[member] === "string" ? value[member] : undefined);
    return { error: string("error"), message: string("message") };
  } catch {
    return {};
  }
}

function valueOf(token) {
  return typeof token === "function" ? token() : token;
}

// Two ways to write one address are one session.
function absolute(path) {
  const url = globalThis.location ? new URL(path, globalThis.location.href).href : String(path);
  return url.replace(/\/+$/, "");
}

// A served module stands beside the endpoints: /api/session/client.js means /api/session.
function servedBase() {
  return told.methods ? absolute(new URL(".", import.meta.url).href) : undefined;
}
