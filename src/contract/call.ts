/** How one command is sent. */
export interface CallOptions {
  /**
   * the same request with the same id gets the first answer again, and nothing is done twice, for 10 minutes after that answer;
   * another request with it is refused (command.mismatch). A command with an id is sent again by itself when the connection was lost
   * before its answer came; queries are, too
   */
  msgId?: string;
  /** how long an answer may take; default: that of the client */
  timeoutMs?: number;
}
