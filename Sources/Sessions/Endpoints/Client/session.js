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

export async function useSession(options = {}) {
  const { fetchOnInit, csrfToken, timeout = 30_000 } = options;
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
    const token = method === "GET" ? undefined : await valueOf(csrfToken);
    if (token) headers[field] = token;
    const init = { method, headers, body, credentials: "same-origin", cache: "no-store", redirect: "error" };
    if (timeout > 0) init.signal = AbortSignal.timeout(timeout);
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
    if (response.status === 204 || response.status === 205) return null;
    try {
      if (/^application\/([^;]+\+)?json\s*(;|$)/i.test(response.headers.get("Content-Type") ?? "")) {
        return JSON.parse(text);
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
        let data;
        for (const [index, method] of methods.entries()) {
          if (index > 0) store.show({ data });
          data = await request(method, body?.json);
        }
        return data;
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
  // Where reading is not enabled there is nothing to fetch, unless the caller insists and is told so.
  if (fetchOnInit ?? !store.refusal("refresh", ["GET"], url)) await calls.refresh();
  return { session: store.session, subscribe: store.subscribe, ...calls };
}

// What all uses of one address on a page share: the session, who wants to know of it, and the order of calls.
function storeOf(url) {
  let store = stores.get(url);
  if (!store) stores.set(url, (store = makeStore()));
  return store;
}

function makeStore() {
  let state = Object.freeze({ data: null, error: null, pending: false });
  let waiting = 0;
  let last = Promise.resolve();
  const listeners = new Set();

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
    session: Object.freeze({
      get data() {
        return state.data;
      },
      get error() {
        return state.error;
      },
      get pending() {
        return state.pending;
      },
    }),
    show(change) {
      state = Object.freeze({ ...state, ...change });
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
        (data) => store.settle({ data, error: null }),
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
      return Object.freeze({ data: state.data, error: state.error, pending: false });
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
  return Object.defineProperties(result, {
    data: { get: () => state.data, enumerable: true },
    error: { get: () => state.error, enumerable: true },
    pending: { get: () => state.pending, enumerable: true },
  });
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
