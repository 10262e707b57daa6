#!/usr/bin/env -S node --max-semi-space-size=4
import { promises } from 'node:fs';
import { hidePasswords } from './process-title.ts';

// V8 lets the nursery of the main thread grow to 48 MB before it looks at what of it is needed; the limit can be set only where
// node is started. Of 1,000 containers' daemon that is a fifth of all memory.

// libuv's pool threads start with the first job that they are given and stay for good in the namespace of the thread
// that gave it, so the first job is given here, before anything may enter another one.
await promises.stat('/');

hidePasswords(process.argv.slice(2));

const [{ runCli }, { processTerminal }] = await Promise.all([import('./program.ts'), import('./terminal.ts')]);

// `netloom events | head` ends us by closing the pipe
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2), processTerminal);
