import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseServerUrl } from '../bus/server/server-url.ts';
import { subjectToken } from '../contract/subjects.ts';
import { type FaultCode, fault, NetloomError } from '../core/fault.ts';
import { readFlag } from '../core/flag.ts';
import {
  idRule,
  interfaceNamePattern,
  interfaceNameRule,
  namePattern,
  nameRule,
  servedNamePattern,
} from '../core/name-rules.ts';

/** The client library has the same default. */
export const defaultTimeoutMs = 30_000;

/**
 * Options of every command that connects to a daemon or prints a result; they may stand before or after the command's
 * name.
 */
export interface GlobalOptions {
  json?: boolean;
  node?: string;
  runDir?: string;
  natsUrl?: string;
  creds?: string;
  /** milliseconds */
  timeout?: number;
}

/** Heading of these options at the end of help. */
export const commonOptions = 'Common options:';

/** Option of commands that scripts may repeat after a success. */
export const exactOption = ['--exact', 'match full ids only, no names and no beginnings of ids'] as const;

export interface ExactOptions extends GlobalOptions {
  exact?: true;
}

/** P11: option of commands that take a network down. */
export const forceOption = ['-f, --force', 'also while their processes run, which lose only their network'] as const;

/** Help text of these commands about running containers. */
export const forceDetails =
  'Refuses a container with a running process, unless --force is given. Even then the process is not stopped: it only ' +
  'loses its network.';

export interface RemovalOptions extends ExactOptions {
  force?: true;
}

export function addJsonOption(command: Command): Command {
  return command.addOption(
    new Option('--json', 'print JSON: the unchanged reply, or the fault (on stderr)').helpGroup(commonOptions),
  );
}

/** Without defaults and `.env()`: the client reads the environment for options that are missing. */
export function addConnectionOptions(command: Command): Command {
  const options = [
    new Option('--node <name>', 'node to talk to (NETLOOM_NODE)').argParser(tokenParser('--node', 'name.invalid')),
    new Option('--run-dir <path>', "the daemon's run directory (NETLOOM_RUN_DIR, default /run/netloom)").argParser(
      directoryParser('--run-dir'),
    ),
    new Option('--nats-url <url>', 'the NATS server to use (NATS_URL)').argParser(serverParser('--nats-url')),
    new Option('--creds <file>', 'one of <run-dir>/credentials, or a .creds file of NATS (NETLOOM_CREDS)'),
    new Option('--timeout <ms>', `how long to wait for an answer, in ms (default ${defaultTimeoutMs})`).argParser(
      numberParser('--timeout', 1, 3_600_000),
    ),
  ];
  for (const option of options) command.addOption(option.helpGroup(commonOptions));
  return command;
}

export function badInput(message: string, code: FaultCode = 'payload.invalid'): NetloomError {
  return new NetloomError(fault(code, message));
}

/** Formats a value for messages. */
export const filled = (text: string): string => (text === '' ? '""' : text);

export function numberParser(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw badInput(`${name} ${filled(text)}: expected a number from ${least} to ${most}`);
    return value;
  };
}

/** Parses a text that must not be empty. */
export function filledParser(name: string): (text: string) => string {
  return (text) => {
    if (text === '') throw badInput(`${name} must not be empty: give a value, or leave it out`);
    return text;
  };
}

/** Parses a directory that exists or can be created. `variable`: its environment variable. */
export function directoryParser(name: string, variable?: string): (text: string) => string {
  const parseFilled = filledParser(variable === undefined ? name : `${name} (${variable})`);
  return (text) => {
    const path = parseFilled(text);
    const first = nearest(path);
    if (first !== null && !first.isDirectory) throw badInput(`${name} ${path}: ${first.path} is not a directory`);
    return path;
  };
}

/**
 * Parses a directory that must exist, so that a mistyped path is not created. `usual`: the default, which may be
 * created.
 */
export function existingDirectoryParser(name: string, usual: string): (text: string) => string {
  const parseDirectory = directoryParser(name);
  return (text) => {
    const path = parseDirectory(text);
    if (resolve(path) !== usual && !existsSync(path)) throw badInput(`${name} ${path}: no such directory`);
    return path;
  };
}

/** Returns the path, or its longest existing part; null: the path cannot be examined. */
function nearest(path: string): { path: string; isDirectory: boolean } | null {
  for (let part = resolve(path); ; part = dirname(part)) {
    try {
      const found = statSync(part, { throwIfNoEntry: false });
      if (found) return { path: part, isDirectory: found.isDirectory() };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') return null;
    }
    if (part === dirname(part)) return null;
  }
}

/**
 * Parses `nats://host:4222`, or several joined by commas. Errors do not quote it, because it may contain a password.
 */
export function serverParser(name: string): (text: string) => string {
  return (text) => {
    const url = filledParser(name)(text);
    parseServerUrl(url);
    return url;
  };
}

/** Parses one of several words. commander's own error for this has two sentences. */
export function wordParser(name: string, words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text)) throw badInput(`${name} ${JSON.stringify(text)}: expected one of ${words.join(', ')}`);
    return text;
  };
}

/** Parses an environment variable that is on or off; unset or empty: off. commander takes any value as on. */
export function environmentFlag(name: string, environment: NodeJS.ProcessEnv = process.env): boolean {
  const text = environment[name] || 'false';
  const flag = readFlag(text);
  if (flag === null) throw badInput(`${name}=${text}: ${name} is 1, 0, true or false`);
  return flag;
}

export function tokenParser(name: string, code: FaultCode): (text: string) => string {
  return (text) => {
    if (!subjectToken.test(text))
      throw badInput(
        `${name} ${JSON.stringify(text)}: expected 1 to 64 characters of A-Z a-z 0-9 _ -, because it is part of subjects`,
        code,
      );
    return text;
  };
}

/** Parses the name of an existing network, or the ID of a container. */
export function nameParser(option: string, code: 'name.invalid' | 'id.invalid'): (text: string) => string {
  return (text) => {
    if (!servedNamePattern.test(text))
      throw badInput(`${option} ${JSON.stringify(text)}: ${code === 'id.invalid' ? idRule : nameRule}`, code);
    return text;
  };
}

/** Parses the name of a new container. */
export function newNameParser(option: string): (text: string) => string {
  return (text) => {
    if (!namePattern.test(text)) throw badInput(`${option} ${JSON.stringify(text)}: ${nameRule}`, 'name.invalid');
    return text;
  };
}

export function interfaceNameParser(option: string): (text: string) => string {
  return (text) => {
    if (!interfaceNamePattern.test(text)) throw badInput(`${option} ${JSON.stringify(text)}: ${interfaceNameRule}`);
    return text;
  };
}

const label = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;

export function domainParser(name: string): (text: string) => string {
  return (text) => {
    const labels = text.split('.');
    if (text.length > 200 || !labels.every((part) => label.test(part)))
      throw badInput(`${name} ${JSON.stringify(text)}: expected a domain such as dns.netloom`);
    return text.toLowerCase();
  };
}

/** Collects the values of an option that may be repeated. */
export function collect<Value>(parse: (text: string) => Value): (text: string, before?: Value[]) => Value[] {
  return (text, before = []) => [...before, parse(text)];
}

/** Collects the values of an option that takes several at once. */
export function collectAll<Value>(parse: (text: string) => Value[]): (text: string, before?: Value[]) => Value[] {
  return (text, before = []) => [...before, ...parse(text)];
}

/** Collects the values of an option that may be repeated, or has values joined by commas. */
export function collectList<Value>(parse: (text: string) => Value): (text: string, before?: Value[]) => Value[] {
  return collectAll((text) => text.split(',').map(parse));
}

/** Refuses options that suit only one container. Throws payload.invalid. */
export function mustBeOne(options: Record<string, unknown>): void {
  const isSaid = (value: unknown) => (Array.isArray(value) ? value.length > 0 : value !== undefined);
  const said = Object.keys(options).filter((name) => isSaid(options[name]));
  refuseForSeveral(said.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`));
}

/** Throws payload.invalid unless `said` is empty. `said`: options as on the command line. */
export function refuseForSeveral(said: string[]): void {
  if (said.length > 0) throw badInput(`${said.join(', ')}: cannot be used with several containers`);
}

export const asIs = (text: string): string => text;

/** Collects `key=value` or `key`, as podman does. */
export function collectLabels(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [key = '', ...value] = text.split('=');
  if (key === '') throw badInput(`--label ${filled(text)}: expected key=value`);
  return { ...before, [key]: value.join('=') };
}

/** Collects `key=value`. A repeated key must have the same value. */
export function collectPairs(name: string): (text: string, before?: Record<string, string>) => Record<string, string> {
  return (text, before = {}) => {
    const at = text.indexOf('=');
    if (at < 1) throw badInput(`${name} ${filled(text)}: expected key=value`);
    const [key, value] = [text.slice(0, at), text.slice(at + 1)];
    if (Object.hasOwn(before, key) && before[key] !== value)
      throw badInput(`${name} ${key} is given twice, as ${before[key]} and as ${value}; give one of them`);
    return { ...before, [key]: value };
  };
}
