#pragma once

#include <stdint.h>

/// Interface between the door and bus_libnats.so. It is plain C, because each contains its own C++ library.
extern "C" {

/// Texts are NUL-terminated; empty: none.
struct LibnatsRequest {
  const char *url, *user, *password, *inbox_prefix, *creds, *client_name;
  int64_t connect_ms, answer_ms;
  const char *subject, *payload;
  int payload_length;
};

/// Never freed. Without a reply, `may_be_done` is whether the request may have reached the daemon.
struct LibnatsReply {
  const char* text;
  int length;
  bool is_fault;
  bool may_be_done;
};

/// Returns null if there is a reply, otherwise the error. The connection is kept for the next request, and never
/// closed: closing the library waits for its threads.
__attribute__((visibility("default"))) const char* netloom_libnats_request(const LibnatsRequest* request,
                                                                           LibnatsReply* reply);
}
