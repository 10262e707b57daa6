#pragma once

#include <stdint.h>

/// Passed between the door and bus_libnats.so: plain C, because each contains its own C++ library.
extern "C" {

/// Texts end in NUL; empty: none.
struct LibnatsRequest {
  const char *url, *user, *password, *inbox_prefix, *creds, *client_name;
  int64_t connect_ms, answer_ms;
  const char *subject, *payload;
  int payload_length;
};

/// Lives as long as the process. Without a reply `may_be_done` says whether the request may have reached the daemon.
struct LibnatsReply {
  const char* text;
  int length;
  bool is_fault;
  bool may_be_done;
};

/// Answers null when there is a reply, else what went wrong. The connection is kept for the next request, and goes with
/// the process: the library's orderly end waits for its threads.
__attribute__((visibility("default"))) const char* netloom_libnats_request(const LibnatsRequest* request,
                                                                           LibnatsReply* reply);
}
