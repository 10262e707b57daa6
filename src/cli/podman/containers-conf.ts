import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { pathText, tomlWords } from '../../core/schema-words.ts';
import { systemErrorText } from '../../core/system-error.ts';
import { textOfOrdinaryFile } from '../../files/ordinary-file.ts';
import { badInput } from '../options.ts';

/** A configuration file of podman. In the order of containers.conf(5), a later file overrides an earlier one. */
export interface ConfFile {
  path: string;
  text: string;
}

/** The effective value, and the file that sets it; null: podman's default. */
export interface Setting<Value> {
  value: Value;
  file: string | null;
}

/** The keys of containers.conf that decide which program creates networks. */
export interface NetworkSettings {
  /** `netavark`, `cni`; empty: podman chooses */
  backend: Setting<string>;
  /** directory of network definitions */
  networkConfigDir: Setting<string>;
  /** directories in which podman looks for `netavark`, in this order */
  helperDirs: Setting<string[]>;
  /** `NAME=value`, for podman and every process that it starts */
  environment: Setting<string[]>;
}

/** podman's built-in directories, in Debian and elsewhere. */
export const defaultHelperDirs = [
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
  '/usr/libexec/podman',
  '/usr/lib/podman',
];

const vendorConf = '/usr/share/containers/containers.conf';
export const defaultConfigDir = '/etc/containers';
export const dropInDir = (configDir: string) => join(configDir, 'containers.conf.d');

/** Reads the existing configuration files of a rootful podman. */
export function readConfFiles(configDir: string): ConfFile[] {
  const dropIns = dropInDir(configDir);
  const names = existsSync(dropIns) ? readdirSync(dropIns).filter((name) => name.endsWith('.conf')) : [];
  const paths = [vendorConf, join(configDir, 'containers.conf'), ...names.sort().map((name) => join(dropIns, name))];
  return paths.filter((path) => existsSync(path)).map(readConfFile);
}

/** Throws payload.invalid if it is not a regular file, or cannot be read. */
export function readConfFile(path: string): ConfFile {
  try {
    return { path, text: textOfOrdinaryFile(path) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw badInput(code === undefined ? `${path} ${message}` : systemErrorText({ code, path, message }));
  }
}

/** In podman 5, `{append = true}` as the last entry of a list appends to the earlier list. */
const list = z.array(
  z.union([z.string(), z.object({ append: z.boolean().optional() })], 'must be text in quotes, or {append = true}'),
);
const confSchema = z.object({
  network: z.object({ network_backend: z.string().optional(), network_config_dir: z.string().optional() }).optional(),
  engine: z.object({ helper_binaries_dir: list.optional(), env: list.optional() }).optional(),
});

/** Throws payload.invalid if a file is not a valid containers.conf; podman would refuse it, too. */
export function networkSettings(files: ConfFile[]): NetworkSettings {
  const settings: NetworkSettings = {
    backend: { value: '', file: null },
    networkConfigDir: { value: `${defaultConfigDir}/networks`, file: null },
    helperDirs: { value: defaultHelperDirs, file: null },
    environment: { value: [], file: null },
  };
  for (const { path, text } of files) {
    const { network = {}, engine = {} } = parsed(path, text);
    if (network.network_backend) settings.backend = { value: network.network_backend, file: path };
    if (network.network_config_dir) settings.networkConfigDir = { value: network.network_config_dir, file: path };
    if (engine.helper_binaries_dir)
      settings.helperDirs = { value: joined(settings.helperDirs.value, engine.helper_binaries_dir), file: path };
    if (engine.env) settings.environment = { value: joined(settings.environment.value, engine.env), file: path };
  }
  return settings;
}

function parsed(path: string, text: string): z.output<typeof confSchema> {
  const conf = confSchema.safeParse(tomlOf(path, text), { error: tomlWords });
  if (conf.success) return conf.data;
  const [issue] = conf.error.issues;
  throw badInput(`${path}: ${pathText(issue?.path ?? [])} ${issue?.message}`);
}

function tomlOf(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw badInput(`${path} is not valid TOML: line ${error.line}, column ${error.column}`);
  }
}

function joined(before: string[], entries: z.output<typeof list>): string[] {
  const said = entries.filter((entry) => typeof entry === 'string');
  const appends = entries.some((entry) => typeof entry === 'object' && entry.append === true);
  return appends ? [...before, ...said] : said;
}
