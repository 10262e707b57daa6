import { mkdirSync, writeFileSync } from 'node:fs';

/** Ends at SIGKILL only. */
export const standStill = "trap '' TERM; while :; do sleep 1; done";

/** Writes a program that replaces nats-server; returns the directory to find it in. */
export function fakeServer(directory: string, script: string): string {
  const bin = `${directory}/bin`;
  mkdirSync(bin, { recursive: true });
  writeFileSync(`${bin}/nats-server`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return bin;
}
