import { type Msg, type MsgHdrs, type NatsConnection, RequestError } from '@nats-io/nats-core';

/** How soon a request to a missing or unready daemon is repeated. */
const againMs = 250;

export interface RepeatedRequest {
  subject: string;
  payload: string;
  headers?: MsgHdrs;
  timeoutMs: number;
}

/**
 * Requests that may be sent twice. A request under way when the connection is lost would wait for its whole timeout: it, or its
 * reply, was lost with the connection. It is sent again, unchanged, as soon as there is a connection again.
 */
export class RepeatedRequests {
  readonly #underWay = new Set<Attempts>();

  constructor(private readonly nc: NatsConnection) {
    void this.#watch();
  }

  /** Returns the first reply. Rejects as a request does. */
  async send(request: RepeatedRequest): Promise<Msg> {
    const attempts = new Attempts(this.nc, request);
    this.#underWay.add(attempts);
    try {
      return await attempts.answer;
    } finally {
      this.#underWay.delete(attempts);
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.nc.status())
      if (type === 'reconnect') for (const attempts of this.#underWay) attempts.again();
  }
}

class Attempts {
  readonly answer: Promise<Msg>;
  #resolve: (answer: Msg) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  readonly #deadlineMs: number;
  #count = 0;

  constructor(
    private readonly nc: NatsConnection,
    private readonly request: RepeatedRequest,
  ) {
    this.#deadlineMs = performance.now() + request.timeoutMs;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.again();
  }

  /** Earlier attempts stay open: a daemon that only lost its server may still answer them. */
  again(): void {
    const { subject, payload, headers } = this.request;
    const attempt = ++this.#count;
    this.nc.request(subject, payload, { timeout: this.#leftMs(), ...(headers && { headers }) }).then(
      (answer) => (attempt > 1 && isNotReady(answer) && this.#later(attempt)) || this.#resolve(answer),
      (error: unknown) => {
        if (attempt !== this.#count) return;
        if (attempt === 1 || !isNoDaemon(error) || !this.#later(attempt)) this.#reject(error);
      },
    );
  }

  #leftMs(): number {
    return Math.max(1, Math.ceil(this.#deadlineMs - performance.now()));
  }

  /** false: there is no time left. */
  #later(attempt: number): boolean {
    if (this.#leftMs() <= againMs) return false;
    setTimeout(() => attempt === this.#count && this.again(), againMs);
    return true;
  }
}

/** node.recovering, node.draining: a restarted daemon is about to serve. */
const isNotReady = ({ headers }: Msg): boolean => headers?.get('Nats-Service-Error-Code') === '503';

/** The server is back, its daemon is not. */
const isNoDaemon = (error: unknown): boolean => error instanceof RequestError && error.isNoResponders();
