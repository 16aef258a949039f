/** What a page knows of its session at one moment. */
export interface SessionState<Data> {
  /** What the server last said the session holds; `null` if there is none, or nothing was fetched yet. */
  readonly data: Data | null;
  /** Why the last call failed; `null` if it did not. `data` is then still what it was before. */
  readonly error: Error | null;
  /** Whether a call is under way. */
  readonly pending: boolean;
}

/**
 * A call that was made: awaited it settles to what the page knows then, with `pending` false; until then it shows the same
 * three members itself.
 *
 * It fulfils also where the server refused or was not reached, with the reason in `error`. It rejects with what is the
 * caller's mistake, before any request: a `SessionMethodError`, or a `TypeError` for an argument that is no object.
 */
export type SessionCall<Data> = Promise<SessionState<Data>> & SessionState<Data>;

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
  /** What requests are made with; the browser's `fetch` by default. */
  fetch?: typeof fetch;
}

export interface UsedSession<Data> {
  /** The state as it is whenever its members are read. */
  readonly session: SessionState<Data>;
  /** Reads the session (`GET`). */
  refresh(): SessionCall<Data>;
  /** Sets the given fields and leaves the others (`PATCH`). */
  update(fields: Partial<Data>): SessionCall<Data>;
  /** Replaces all fields that a client may write by the given ones (`POST`). */
  overwrite(fields: Partial<Data>): SessionCall<Data>;
  /** Ends the session (`DELETE`); `data` is `null` then. */
  remove(): SessionCall<Data>;
  /** Ends the session and reads what there is then (`DELETE`, `GET`), with no other call in between. */
  reset(): SessionCall<Data>;
  /** Calls the listener with the state, now and after each change. The function returned ends that. */
  subscribe(listener: (state: SessionState<Data>) => void): () => void;
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
 */
export function useSession<Data = Record<string, unknown>>(options?: UseSessionOptions): Promise<UsedSession<Data>>;

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
