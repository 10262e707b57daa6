import { type MessagePort, parentPort } from 'node:worker_threads';
import { answer, type Call, type Handlers, type VerbsOf } from './calls.ts';
import type { FromThread, Notice, ToThread } from './thread.ts';

/** A thread's connection to the thread that started it. */
export interface Inside<Says extends Notice> {
  say(notice: Says): void;
  /** Reports that this thread serves: it accepts what was sent before. */
  ready(): void;
}

/** Makes this thread serve: it answers calls by `handlers`, and receives notices. */
export function serveThread<Verbs extends VerbsOf<Verbs>, Hears extends Notice = never, Says extends Notice = never>(
  handlers: Handlers<Verbs>,
  hear: (notice: Hears) => void = () => {},
): Inside<Says> {
  const parent = parentPort as MessagePort;
  const post = (message: FromThread<Says>): void => parent.postMessage(message);
  return {
    say: post,
    ready: () => {
      parent.on('message', (message: ToThread<Verbs, Hears>) => {
        if (isCall<Verbs>(message)) void answer(handlers, message, post);
        else hear(message);
      });
      post({ kind: 'ready' });
    },
  };
}

function isCall<Verbs extends VerbsOf<Verbs>>(message: Notice): message is Call<Verbs> {
  return message.kind === 'call';
}
