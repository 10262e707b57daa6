/** Options of one command. */
export interface CallOptions {
  /**
   * idempotency key: the same request with the same id gets the first answer again, and nothing is done twice, for 10 minutes
   * after that answer; another request with it is refused (command.mismatch). The client resends a command with an id when the
   * connection was lost before its answer came; it resends queries, too
   */
  msgId?: string;
  /** how long an answer may take; default: the client's timeout */
  timeoutMs?: number;
}
