import { clock, eventParts } from '../../src/cli/event-line.ts';
import { paint, processTerminal as terminal } from '../../src/cli/terminal.ts';
import type { StreamedEvent } from '../../src/client.ts';

/** How the demo looks: chapters, what was done, what was seen, and, on a bar of their own, the facts as they come in. */

const startedAt = Date.now();

export function title(text: string): void {
  terminal.print(`\n${paint(terminal, 'bold', text)}`);
}

export function aside(text: string): void {
  terminal.print(paint(terminal, 'dim', `  ${text}`));
}

let chapters = 0;
export function chapter(text: string): void {
  terminal.print(`\n${paint(terminal, 'blue', `${++chapters}.`)} ${paint(terminal, 'bold', text)}`);
}

/** A command line, as the reader would type it. */
export function command(line: string): void {
  terminal.print(`   ${paint(terminal, 'dim', '$')} ${line}`);
}

export function seen(what: string, detail = ''): void {
  terminal.print(`   ${paint(terminal, 'green', '✓')} ${detail ? `${what.padEnd(46)}${detail}` : what}`);
}

export function failed(what: string): void {
  terminal.print(`\n   ${paint(terminal, 'red', '✗')} ${paint(terminal, 'bold', what)}`);
}

export function block(text: string): void {
  for (const line of text.trimEnd().split('\n')) terminal.print(`     ${line}`);
}

/** One fact from NATS; paths are shown as below `directory`. */
export function fact(event: StreamedEvent, directory: string): void {
  const { time, source, fact: name, details, style } = eventParts(event);
  const shown = details.replaceAll(`${directory}/`, '');
  const bar = paint(terminal, 'cyan', '│');
  const line = `${paint(terminal, 'dim', clock(time))}  ${source.padEnd(17)} ${paint(terminal, style, name.padEnd(12))} `;
  terminal.print(`   ${bar} ${line}${paint(terminal, 'dim', shown)}`.trimEnd());
}

export function theEnd(): void {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  terminal.print(`\n${paint(terminal, 'green', 'All of it worked, and nothing is left.')} ${seconds} s`);
  aside('Next: npm link, then netloom doctor. The README has the first commands to try.\n');
}
