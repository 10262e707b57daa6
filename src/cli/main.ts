#!/usr/bin/env -S node --max-semi-space-size=4
import { promises } from 'node:fs';
import { hidePasswords } from './process-title.ts';

// V8 lets the young generation of the main thread grow to 48 MB before it collects garbage. This limit can only be set
// when node is started. It would be a fifth of the memory of a daemon with 1,000 containers.

// libuv's pool threads start with the first job, and stay forever in the network namespace of the thread that submitted
// it. So the first job is submitted here, before any thread can enter another namespace.
await promises.stat('/');

hidePasswords(process.argv.slice(2));

const [{ runCli }, { processTerminal }] = await Promise.all([import('./program.ts'), import('./terminal.ts')]);

// `netloom events | head` closes the pipe, which ends this process
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2), processTerminal);
