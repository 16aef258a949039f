// The types of the browser client. A page imports the module by its address, which is no path of a project: save this file
// there and say in tsconfig.json where the address has its types,
//
//     "compilerOptions": { "paths": { "/api/session/client.js": ["./types/client.d.ts"] } }
//
// A copy of the module in the project finds them beside it: client.js and client.d.ts, or session.js and session.d.ts.

/** What a page knows of its session at one moment. */
export interface SessionState<Data> {
  /** What the server last said the session holds; `null` if there is none, or nothing was fetched yet. */
  readonly data: Data | null;
  /** Why the last call failed; `null` if it did not. `data` is then still what it was before. */
  readonly error: Error | null;
  /** Whether a call is under way. */
  readonly pending: boolean;
  /**
   * When the session ends unless there is activity, by this browser's clock in milliseconds as `Date.now()` has them; `null`
   * if there is no session or the server does not say.
   */
  readonly expires: number | null;
}

/**
 * A call that was made: awaited it settles to what the page knows then, with `pending` false; until then it shows
 * `data`, `error` and `pending` itself.
 *
 * It fulfils also where the server refused or was not reached, with the reason in `error`. It rejects with what is the
 * caller's mistake, before any request: a `SessionMethodError`, or a `TypeError` for an argument that is no object.
 */
export type SessionCall<Data> = Promise<SessionState<Data>> & Omit<SessionState<Data>, "expires">;

export type SessionMethod = "GET" | "PATCH" | "POST" | "DELETE";

export interface UseSessionOptions {
  /**
   * Where the endpoints are. By default the path that this module was served below, or `/api/session` where a copy of the
   * file is served by something else.
   */
  basePath?: string;
  /** Whether to read the session at once; by default if the server answers `GET`. */
  fetchOnInit?: boolean;
  /**
   * What the server answers. The module that the server's routes serve knows; a plain copy assumes everything until a 405
   * with its `Allow` field tells.
   */
  methods?: Iterable<SessionMethod>;
  /**
   * The session's CSRF token, or what returns it, sent with every call that writes. Not needed on pages of the endpoints'
   * own origin: the browser vouches for those by `Sec-Fetch-Site` or `Origin`.
   */
  csrfToken?: string | (() => string | undefined | Promise<string | undefined>);
  /** The header field for the token; `X-CSRF-Token` by default, as on the server. */
  csrfField?: string;
  /** The time that one request may take, in milliseconds; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /**
   * Which requests carry the cookie; `same-origin` by default. Endpoints of another origin take `include`, and on the server
   * CORS fields that allow this origin, credentials, the methods and `Content-Type`, expose `X-Session-Expires-In`, and this
   * origin in `allowedOrigins`. With `omit` other tabs are told nothing.
   */
  credentials?: RequestCredentials;
  /** How long before the session's end `onExpiring` calls its listeners, in milliseconds; 60,000 by default. */
  warnBefore?: number;
  /** What requests are made with; the browser's `fetch` by default. */
  fetch?: typeof fetch;
}

/**
 * `Data` is what the endpoints answer, `Writable` the names of what the server's `writable` lets a page write; by default
 * all. Members that are optional on the server, and may therefore be left out of an answer and of `overwrite`, are optional
 * here too: `{ theme: string; volume?: number | null }`.
 */
export interface UsedSession<Data, Writable extends keyof Data = keyof Data> {
  /** The state as it is whenever its members are read. */
  readonly session: SessionState<Data>;
  /** Reads the session (`GET`). */
  refresh(): SessionCall<Data>;
  /** Sets the given fields and leaves the others (`PATCH`). */
  update(fields: Partial<Pick<Data, Writable>>): SessionCall<Data>;
  /**
   * Replaces all fields that a client may write by the given ones (`POST`). The server refuses an object without a writable
   * field that is not optional there.
   */
  overwrite(fields: Pick<Data, Writable>): SessionCall<Data>;
  /** Ends the session (`DELETE`); `data` is `null` then. */
  remove(): SessionCall<Data>;
  /** Ends the session and reads what there is then (`DELETE`, `GET`), with no other call in between. */
  reset(): SessionCall<Data>;
  /** Calls the listener with the state, now and after each change. The function returned ends that. */
  subscribe(listener: (state: SessionState<Data>) => void): () => void;
  /**
   * Calls the listener once when the session is about to end, `warnBefore` ahead, and again if it was prolonged and is about to
   * end again. The server is asked first how long it still is, which makes it no longer; what prolongs it is any other call,
   * `refresh()` for instance. When the session has ended, `data` becomes `null`. The function returned ends that. Needs `GET`
   * on the server; without it the time of the last answer counts.
   */
  onExpiring(listener: (state: SessionState<Data>) => void): () => void;
}

/**
 * Connects a page to its session.
 *
 *     const { session, update, subscribe } = await useSession();
 *     subscribe(({ data }) => render(data));
 *     const { error } = await update({ colour: "orange" });
 *
 * All uses of one address on a page share one session. Calls go out one at a time in the order in which they were made,
 * and settle in that order: the last one decides what is shown. Only a successful answer in JSON ever becomes `data`.
 *
 * The browser's other tabs and windows at the address follow: `remove()` in one shows `null` in all, and where one gets
 * another answer than is shown, the others read anew. Where there is no `BroadcastChannel` each is by itself.
 */
export function useSession<Data = Record<string, unknown>, Writable extends keyof Data = keyof Data>(
  options?: UseSessionOptions,
): Promise<UsedSession<Data, Writable>>;

/** Why a call got no usable answer. */
export class SessionRequestError extends Error {
  /**
   * The server's word for it, as in `not_writable` or `forbidden`; `http` if it has none, `network`, `timeout`, or
   * `invalid_response` for a success that is not JSON.
   */
  readonly code: string;
  /** The status of the answer; 0 if there was none. */
  readonly status: number;
}

/** A call whose method the server does not answer. Nothing was sent. */
export class SessionMethodError extends Error {
  /** The methods that are missing. */
  readonly methods: SessionMethod[];
}
