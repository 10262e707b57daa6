import { withoutPasswords } from '../bus/server/server-url.ts';
import { type Fault, type FaultCode, faultOf, faultStatus } from '../core/fault.ts';
import { readFlag } from '../core/flag.ts';
import { isSystemError, systemErrorText } from '../core/system-error.ts';
import { plain, type Terminal } from './terminal.ts';

/** Exit codes of commands; `netloom --help` and the README list them. */
export const exitCode = { ok: 0, failed: 1, badInput: 2, notFound: 3, unreachable: 4 } as const;

/** Descriptions of exit codes, for `netloom --help`. */
export const exitCodes: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'refused or failed (conflict, busy, kernel error)'],
  ['2', 'wrong usage or bad input'],
  ['3', 'no such container, network, namespace or process'],
  ['4', 'the daemon or its NATS server cannot be reached, or refuses the credentials'],
];

/** Exit codes of commands that behave like another program's command of the same name. */
export const exitCodesElsewhere: readonly (readonly [string, typeof exitCodes])[] = [
  [
    'Exit codes of netloom network, as of podman network:',
    [
      ['0', 'done'],
      ['125', 'refused or failed, except:'],
      ['1', 'exists, rm: no such network'],
      ['2', 'rm: containers use it'],
    ],
  ],
  [
    'Exit codes of netloom run:',
    [
      ['2', 'wrong usage or bad input'],
      ['125', 'netloom failed'],
      ['126', 'the command cannot be executed'],
      ['127', 'command not found'],
      ['128+n', 'signal n ended the command'],
      ['else', 'the exit code of the command'],
    ],
  ],
];

/** A refusal by the command line itself; everything else is a fault, with a fault's code. */
export interface Complaint {
  code: 'usage' | 'command.missing' | 'command.unusable' | 'command.not-started' | 'podman.refused';
  message: string;
}

/** Thrown by a command that ends with its own exit code; without a message if everything was printed already. */
export class EndWith extends Error {
  constructor(
    readonly exitCode: number,
    readonly complaint: Complaint | null = null,
  ) {
    super(complaint?.message ?? `exit code ${exitCode}`);
  }
}

/**
 * Faults that a command ends with as if no daemon were reached: its server was not used, or no reply came in time, so the outcome is
 * unknown. Other timeouts come from the daemon, for a command that failed.
 */
const unreached: ReadonlySet<FaultCode> = new Set(['bus.unauthorized', 'bus.open', 'command.timeout']);

/** Returns the exit code of a fault, which follows from the status of its code on the bus. */
export function exitCodeOf({ code }: Fault): number {
  if (unreached.has(code)) return exitCode.unreachable;
  switch (faultStatus[code]) {
    case 400:
      return exitCode.badInput;
    case 404:
      return exitCode.notFound;
    case 503:
      return exitCode.unreachable;
    default:
      return exitCode.failed;
  }
}

/** Exit code of podman's commands that fail. */
export const podmanFailure = 125;

/** `network rm` distinguishes the same failures as podman's. */
export function removalExitCode({ code }: Fault): number {
  if (code === 'network.unknown') return 1;
  return code === 'network.in-use' ? 2 : podmanFailure;
}

/** Returns the exit code of an error in `netloom network`; an exit code chosen by a command is kept. */
export function networkExitCode(error: unknown): number {
  return error instanceof EndWith && !error.complaint ? error.exitCode : podmanFailure;
}

/**
 * Leaves the codes below 125 to the command of `netloom run`, except for invalid input, which is refused before the
 * command starts.
 */
export function runExitCode(error: unknown): number {
  if (error instanceof EndWith) return error.exitCode;
  return exitCodeOf(faultOf(error)) === exitCode.badInput ? exitCode.badInput : podmanFailure;
}

/** Prints an error on stderr, and returns its exit code. */
export function reportFailure(terminal: Terminal, error: unknown, asJson: boolean): number {
  if (error instanceof EndWith) return endWith(terminal, error, asJson);
  const whole = faultIn(error);
  const fault = { ...whole, message: shown(whole.message), ...(whole.detail && { detail: shown(whole.detail) }) };
  terminal.warn(withoutPasswords(asJson ? JSON.stringify(fault) : faultText(fault)));
  if (fault.code === 'internal.unexpected' && readFlag(process.env.NETLOOM_DEBUG ?? '') && error instanceof Error)
    terminal.warn(withoutPasswords(error.stack ?? ''));
  return exitCodeOf(fault);
}

/** Returns the fault of an error; errors of system calls get a readable message. */
function faultIn(error: unknown): Fault {
  return isSystemError(error) ? { code: 'internal.unexpected', message: systemErrorText(error) } : faultOf(error);
}

/**
 * Shortens a message, which may quote a value of any length: long words are cut off, and a long text is cut in the
 * middle.
 */
function shown(message: string): string {
  // before cutting: passwords are not found in a URL that was cut
  const text = withoutPasswords(message).replaceAll(/(\S{300})\S+/gu, '$1…');
  return text.replace(/^(.{1500}).{100,}(.{400})$/su, '$1 … $2');
}

function endWith(terminal: Terminal, { exitCode, complaint }: EndWith, asJson: boolean): number {
  if (!complaint) return exitCode;
  const { code, message } = { ...complaint, message: shown(complaint.message) };
  const text = asJson ? JSON.stringify({ code, message }) : `netloom: ${code}: ${message}`;
  // the message may quote a URL of the command line
  terminal.warn(withoutPasswords(text));
  return exitCode;
}

export function faultText(fault: Fault): string {
  const { code, message, undone = [], leftBehind = [] } = fault;
  const { step, errno, detail } = isSentence(fault) ? {} : fault;
  const left = leftBehind.map((entry) => `${entry.step} (${entry.errno ?? 'no errno'}${detailOf(entry.detail)})`);
  const lines = [
    `netloom: ${code}: ${message}`,
    ...(step ? [`  step: ${step}`] : []),
    ...(errno ? [`  errno: ${errno}`] : []),
    ...(detail && !message.includes(detail) ? [`  detail: ${detail}`] : []),
    ...undone.map((text) => `  undone: ${text}`),
    ...left.map((text) => `  left behind: ${text}`),
    ...adviceOf(fault),
  ];
  return lines
    .flatMap((line) => line.split('\n'))
    .map(plain)
    .join('\n');
}

/** Formats a fault for people: step, errno and field are only in the JSON (--json). */
const isSentence = ({ code, message, errno }: Fault): boolean =>
  faultStatus[code] < 500 && (errno === undefined || !message.includes(errno));

/** The kernel does not report which process uses a port; `ss` does. */
const adviceOf = ({ port: taken }: Fault): string[] =>
  taken ? [`  to find its process: sudo ss -lnp --${taken.protocol} 'sport = :${taken.port}'`] : [];

const detailOf = (detail: string | null) => (detail ? `: ${detail}` : '');
