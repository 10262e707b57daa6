import { mkdirSync, writeFileSync } from 'node:fs';

/** Ends at SIGKILL only. */
export const standStill = "trap '' TERM; while :; do sleep 1; done";

/** A program that takes the place of nats-server; answers the directory to look for it in. */
export function fakeServer(directory: string, script: string): string {
  const bin = `${directory}/bin`;
  mkdirSync(bin, { recursive: true });
  writeFileSync(`${bin}/nats-server`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return bin;
}
