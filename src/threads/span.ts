import { channel } from 'node:diagnostics_channel';

/** A piece of work on one thread, by the machine's clock (`process.hrtime`), which all threads and processes share. */
export interface Span {
  name: string;
  startNs: bigint;
  endNs: bigint;
}

/** Channel `netloom:span` of each thread. The bench subscribes to it (`bench/spans/`); usually there is no subscriber. */
const spans = channel('netloom:span');

/** Does the work, and publishes its duration. Without a subscriber it costs a comparison. */
export function span<T>(name: string | (() => string), work: () => T): T {
  if (!spans.hasSubscribers) return work();
  const startNs = process.hrtime.bigint();
  const end = () => {
    const endNs = process.hrtime.bigint();
    spans.publish({ name: typeof name === 'string' ? name : name(), startNs, endNs } satisfies Span);
  };
  let result: T;
  try {
    result = work();
  } catch (error) {
    end();
    throw error;
  }
  if (result instanceof Promise) void result.then(end, end);
  else end();
  return result;
}
