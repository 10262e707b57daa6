/** The log of the bus; a pino logger is one. */
export interface BusLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silent: BusLog = { info() {}, warn() {}, error() {} };
