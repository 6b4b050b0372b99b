// Decisions on their way to the server. Each is kept in localStorage, under a name of its own so
// that tabs never write over each other, until the server says that it has it. They are sent one
// after the other, in the order in which they were made; one that is sent twice is stored once.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const TIMEOUT = 20_000;

/** A new random key; crypto.randomUUID exists in secure contexts only. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** localStorage where the browser allows it, else a stand-in that lasts as long as the page. */
function openStorage() {
  try {
    localStorage.setItem("claimwire:probe", "1");
    localStorage.removeItem("claimwire:probe");
    return localStorage;
  } catch {
    return null;
  }
}

export class Outbox extends EventTarget {
  /** Why nothing is sent: "", "offline", "server", "signed-out" or "other". */
  problem = "";

  #session;
  #prefix;
  #storage = openStorage();
  #memory = new Map();
  #last = 0;
  #wait = 0;
  #timer = 0;
  #busy = false;

  /** @param session {desk, reviewer, csrf} of the page */
  constructor(session) {
    super();
    this.#session = session;
    this.#prefix = `claimwire:${session.desk}:${session.reviewer}:`;
    addEventListener("online", () => this.drain());
    addEventListener("pageshow", () => this.drain());
    document.addEventListener("visibilitychange", () => document.hidden || this.drain());
    addEventListener("storage", (event) => this.#elsewhere(event));
    addEventListener("beforeunload", (event) => this.#memory.size && event.preventDefault());
  }

  /** Entries that the server does not have yet, in order. */
  get unsent() {
    return this.#list("out:");
  }

  /** Entries that the server will not take, each with its reason. */
  get refused() {
    return this.#list("refused:");
  }

  /** Take a request in, and begin to send. */
  add(path, body) {
    const known = this.unsent.at(-1)?.order ?? 0;
    this.#last = Math.max(Date.now(), this.#last + 1, known + 1);
    const entry = { key: newKey(), order: this.#last, path, body };
    this.#put("out:", entry);
    this.#changed();
    this.drain();
    return entry;
  }

  /** Send a refused entry again, as what it was. */
  again(entry) {
    this.#drop("refused:", entry);
    this.#put("out:", { ...entry, reason: undefined });
    this.#changed();
    this.drain();
  }

  /** Forget a refused entry. */
  forget(entry) {
    this.#drop("refused:", entry);
    this.#changed();
  }

  /** Send what there is, until nothing is left or something is in the way. */
  async drain() {
    clearTimeout(this.#timer);
    if (this.#busy || !this.#session.reviewer || !this.unsent.length) return;
    this.#busy = true;
    try {
      await this.#alone(async () => {
        for (let entry; (entry = this.unsent[0]);) if (!(await this.#send(entry))) break;
      });
    } finally {
      this.#busy = false;
    }
    this.#changed();
    if (this.unsent.length) this.#timer = setTimeout(() => this.drain(), this.#wait);
  }

  /** Fetch JSON from the desk; throws what went wrong as {status, answer}. */
  async get(path) {
    const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT) });
    const answer = await response.json().catch(() => ({}));
    const isOut = response.status === 401;
    if (isOut || (response.ok && this.problem === "signed-out")) {
      this.problem = isOut ? "signed-out" : "";
      this.#changed();
    }
    if (!response.ok) throw { status: response.status, answer };
    return answer;
  }

  /** One tab sends at a time, where the browser has locks (elsewhere the server sorts it out). */
  async #alone(work) {
    if (navigator.locks) await navigator.locks.request(`${this.#prefix}send`, work);
    else await work();
  }

  async #send(entry, renewed = false) {
    let response, answer;
    try {
      response = await this.#post(entry);
      answer = await response.json();
    } catch {
      return this.#failed(response ? "server" : "offline");
    }
    if (response.ok && answer.decision) return this.#stored(entry, answer);
    if (response.status === 401) return this.#failed("signed-out");
    if (answer.code === "token" && !renewed) {
      const problem = await this.#renew();
      return problem ? this.#failed(problem) : this.#send(entry, true);
    }
    if (["input", "size", "role"].includes(answer.code)) return this.#refuse(entry, answer);
    return this.#failed("server");
  }

  #post(entry) {
    return fetch(entry.path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this.#session.csrf },
      body: JSON.stringify({ ...entry.body, client_key: entry.key }),
      keepalive: true,
      signal: AbortSignal.timeout(TIMEOUT),
    });
  }

  #stored(entry, answer) {
    this.#drop("out:", entry);
    this.#wait = 0;
    this.problem = "";
    this.#changed();
    this.dispatchEvent(new CustomEvent("stored", { detail: { entry, answer } }));
    return true;
  }

  #refuse(entry, answer) {
    this.#drop("out:", entry);
    // Whoever took it back again wants nothing more of it.
    const undo = this.unsent.find((other) => other.body.decision_key === entry.key);
    if (undo) this.#drop("out:", undo);
    else this.#put("refused:", { ...entry, reason: answer.detail });
    this.#changed();
    return true;
  }

  #failed(problem) {
    this.problem = problem;
    this.#wait = Math.min(LONGEST_WAIT, Math.max(FIRST_WAIT, this.#wait * 2));
    this.#changed();
    return false;
  }

  /** Get the token of a desk that was started anew; it must be the same desk and reviewer. */
  async #renew() {
    try {
      const found = await this.get("/api/session");
      const { desk, reviewer } = this.#session;
      if (found.desk !== desk || found.reviewer !== reviewer) return "other";
      this.#session.csrf = found.csrf;
      return "";
    } catch (error) {
      return error.status === 401 ? "signed-out" : "offline";
    }
  }

  #elsewhere(event) {
    if (!event.key?.startsWith(this.#prefix)) return;
    this.#changed();
    if (event.key.startsWith(`${this.#prefix}out:`) && event.newValue) {
      this.dispatchEvent(new CustomEvent("elsewhere", { detail: JSON.parse(event.newValue) }));
    }
  }

  #name(kind, entry) {
    return `${this.#prefix}${kind}${String(entry.order).padStart(16, "0")}:${entry.key}`;
  }

  #put(kind, entry) {
    const name = this.#name(kind, entry);
    const text = JSON.stringify(entry);
    try {
      this.#storage.setItem(name, text);
    } catch {
      this.#memory.set(name, text);
    }
  }

  #drop(kind, entry) {
    const name = this.#name(kind, entry);
    this.#memory.delete(name);
    this.#storage?.removeItem(name);
  }

  #list(kind) {
    const start = this.#prefix + kind;
    const found = new Map(this.#memory);
    for (let place = 0; place < (this.#storage?.length ?? 0); place += 1) {
      const name = this.#storage.key(place);
      if (name.startsWith(start)) found.set(name, this.#storage.getItem(name));
    }
    const names = [...found.keys()].filter((name) => name.startsWith(start)).sort();
    return names.map((name) => JSON.parse(found.get(name)));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
