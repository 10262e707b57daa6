/*
 * stopwatch <n> -- <program> <argument>… : runs the program n times, one after another, and prints the milliseconds of
 * each, from spawn to exit, one per line. A program that exits with another code than 0 ends this too: `error <text>`,
 * exit 1.
 *
 * The program reads stdin (a file: from its beginning every time) and writes to descriptor 3 if that is open, or to
 * /dev/null; it inherits stderr.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT 3

extern char** environ;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int fail(const char* program, const char* text) {
  printf("error %s: %s\n", program, text);
  return 1;
}

static int fail_by(const char* program, const char* what, int number) {
  char text[32];
  snprintf(text, sizeof text, "%s %d", what, number);
  return fail(program, text);
}

static int run(char** command, const posix_spawn_file_actions_t* actions) {
  pid_t pid;
  int status;
  if (lseek(STDIN_FILENO, 0, SEEK_SET) < 0 && errno != ESPIPE) return fail(command[0], strerror(errno));
  const double started_ms = now_ms();
  const int refused = posix_spawnp(&pid, command[0], actions, NULL, command, environ);
  if (refused) return fail(command[0], strerror(refused));
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return fail(command[0], strerror(errno));
  const double took_ms = now_ms() - started_ms;
  if (WIFSIGNALED(status)) return fail_by(command[0], "signal", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return fail_by(command[0], "exit code", WEXITSTATUS(status));
  printf("%.4f\n", took_ms);
  return 0;
}

int main(int count, char** arguments) {
  char* end = "";
  const long times = count > 1 ? strtol(arguments[1], &end, 10) : 0;
  if (count < 4 || times < 1 || *end || strcmp(arguments[2], "--") != 0) {
    printf("error expected stopwatch <n> -- <program> <argument>…\n");
    return 1;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (fcntl(OUTPUT, F_GETFD) < 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  else {
    posix_spawn_file_actions_adddup2(&actions, OUTPUT, STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, OUTPUT);
  }
  for (long i = 0; i < times; i++)
    if (run(arguments + 3, &actions) != 0) return 1;
  return 0;
}
