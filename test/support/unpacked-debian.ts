import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/**
 * A Debian in a directory: packages and their dependencies are fetched from the mirror that this machine uses already, and
 * unpacked. Nothing is installed, so nothing is started; the directory stays for the next run.
 */
export interface UnpackedDebian {
  /** of the directory, below node_modules/.cache/netloom */
  name: string;
  /** Debian's names for its releases, e.g. `trixie`; the first has what the last does not. Default: this machine's */
  suites?: string[];
  packages: readonly string[];
}

/** essential ones, on which no package depends explicitly */
const essential = ['base-files', 'dash', 'bash', 'coreutils'];

const cache = join(dirname(createRequire(import.meta.url).resolve('#package.json')), 'node_modules/.cache/netloom');

/** The reason why that is not available here and now: not a fault of ours. */
export class Unobtainable extends Error {}

/** Returns the directory, another one for other packages; throws Unobtainable where the mirror lacks one, or there is no mirror. */
export async function unpackedDebian(debian: UnpackedDebian): Promise<string> {
  const contents = createHash('sha256').update(JSON.stringify(debian)).digest('hex').slice(0, 8);
  const root = join(cache, `${debian.name}-${contents}`);
  if (existsSync(root)) return root;
  const work = `${root}.${process.pid}`;
  try {
    await unpackInto(`${work}/root`, `${work}/apt`, debian);
    putInPlace(`${work}/root`, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return root;
}

/** Keeps what another test file has unpacked meanwhile. */
function putInPlace(unpacked: string, root: string): void {
  try {
    renameSync(unpacked, root);
  } catch (error) {
    if (!existsSync(root)) throw error;
  }
}

async function unpackInto(root: string, apt: string, { suites, packages }: UnpackedDebian): Promise<void> {
  for (const directory of [root, `${apt}/lists/partial`, `${apt}/cache/archives/partial`])
    mkdirSync(directory, { recursive: true });
  const { site, keyring, codename } = mirror();
  const sources = (suites ?? [codename]).map((suite) => `deb [signed-by=${keyring}] ${site} ${suite} main\n`);
  writeFileSync(`${apt}/sources.list`, sources.join(''));
  writeFileSync(`${apt}/status`, '');
  writeFileSync(`${apt}/apt.conf`, aptConf(apt));
  const env = { APT_CONFIG: `${apt}/apt.conf`, DEBIAN_FRONTEND: 'noninteractive' };
  const fetch = (...args: string[]) =>
    execa('apt-get', args, { env, timeout: 120_000 }).catch((error: Error) => {
      throw new Unobtainable(error.message);
    });
  await fetch('update', '-qq');
  const preferred = sources.length > 1 ? ['-t', suites?.at(-1) as string] : [];
  await fetch('install', '-y', '-qq', '--download-only', ...preferred, ...packages, ...essential);
  const debs = readdirSync(`${apt}/cache/archives`).filter((name) => name.endsWith('.deb'));
  // the package that has /bin and similar links, which lead to /usr
  debs.sort((one, other) => Number(other.startsWith('base-files_')) - Number(one.startsWith('base-files_')));
  for (const deb of debs) await execa('dpkg-deb', ['-x', `${apt}/cache/archives/${deb}`, root]);
  writeFileSync(`${root}/etc/passwd`, 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(`${root}/etc/group`, 'root:x:0:\n');
}

/** The origin of this machine's own Debian packages. */
function mirror(): { site: string; keyring: string; codename: string } {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  if (!existsSync(keyring)) throw new Unobtainable(`there is no ${keyring}`);
  const format = '$(SITE)|$(ORIGIN)|$(COMPONENT)|$(CODENAME)';
  const text = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const line = text.split('\n').find((one) => /\|Debian\|main\|[a-z]+$/.test(one));
  if (!line) throw new Unobtainable("apt's sources name no mirror of Debian");
  const [site, , , codename] = line.split('|') as [string, string, string, string];
  return { site, keyring, codename };
}

const aptConf = (apt: string) => `Dir::Etc::sourcelist "${apt}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "${apt}";
Dir::State::status "${apt}/status";
Dir::Cache "${apt}/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
`;
