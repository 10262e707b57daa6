#include "common/bus_libnats.h"

#include <nats/nats.h>

#include <memory>

namespace {

struct DestroyOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

natsStatus connect(natsConnection** connection, const LibnatsRequest& request) {
  natsOptions* raw = nullptr;
  const natsStatus created = natsOptions_Create(&raw);
  if (created != NATS_OK) return created;
  const std::unique_ptr<natsOptions, DestroyOptions> options(raw);
  natsOptions_SetURL(raw, request.url);
  natsOptions_SetName(raw, request.client_name);
  natsOptions_SetTimeout(raw, request.connect_ms);
  natsOptions_SetAllowReconnect(raw, false);
  // for one request, threads that flush, ping and deliver answers would cost more than they save
  natsOptions_SetSendAsap(raw, true);
  natsOptions_SetPingInterval(raw, 0);
  natsOptions_UseOldRequestStyle(raw, true);
  if (*request.user) natsOptions_SetUserInfo(raw, request.user, request.password);
  if (*request.inbox_prefix) natsOptions_SetCustomInboxPrefix(raw, request.inbox_prefix);
  if (*request.creds) natsOptions_SetUserCredentialsFromFiles(raw, request.creds, nullptr);
  return natsConnection_Connect(connection, raw);
}

}  // namespace

const char* netloom_libnats_request(const LibnatsRequest* request, LibnatsReply* reply) {
  static natsConnection* connection = nullptr;
  natsStatus status = connection ? NATS_OK : connect(&connection, *request);
  natsMsg* message = nullptr;
  const bool is_sent = status == NATS_OK;
  if (is_sent)
    status = natsConnection_Request(&message, connection, request->subject, request->payload, request->payload_length,
                                    request->answer_ms);
  if (status != NATS_OK) {
    reply->may_be_done = is_sent && status != NATS_NO_RESPONDERS && status != NATS_MAX_PAYLOAD;
    return natsStatus_GetText(status);
  }
  const char* code = nullptr;
  *reply = {natsMsg_GetData(message), natsMsg_GetDataLength(message),
            natsMsgHeader_Get(message, "Nats-Service-Error-Code", &code) == NATS_OK, true};
  return nullptr;
}
