#include "uv_poll.h"

#include "sys/sys_error.h"

extern "C" {
size_t uv_handle_size(int type);
void uv_handle_set_data(void* handle, void* data);
void* uv_handle_get_data(const void* handle);
int uv_poll_init(uv_loop_s* loop, void* handle, int fd);
int uv_poll_start(void* handle, int events, void (*callback)(void* handle, int status, int events));
int uv_poll_stop(void* handle);
void uv_unref(void* handle);
void uv_close(void* handle, void (*callback)(void* handle));
}

namespace {

constexpr int kPollType = 8;  // UV_POLL
constexpr int kReadable = 1;  // UV_READABLE

/// libuv's errors are negated errnos.
void check(int status) {
  if (status < 0) throw sys::SysError("watch", -status);
}

}  // namespace

UvPoll::UvPoll(uv_loop_s* loop, int fd, std::function<void()> readable)
    : storage_(uv_handle_size(kPollType) / sizeof(std::max_align_t) + 1), readable_(std::move(readable)) {
  check(uv_poll_init(loop, storage_.data(), fd));
  uv_handle_set_data(storage_.data(), this);
  start();
}

void UvPoll::start() { check(uv_poll_start(storage_.data(), kReadable, on_event)); }

void UvPoll::unref() { uv_unref(storage_.data()); }

void UvPoll::pause() {
  paused_ = true;
  check(uv_poll_stop(storage_.data()));
}

void UvPoll::resume() {
  paused_ = false;
  start();
}

void UvPoll::close(std::function<void()> closed) {
  closed_ = std::move(closed);
  uv_close(storage_.data(), on_closed);
}

void UvPoll::on_event(void* handle, int status, int) {
  auto* self = static_cast<UvPoll*>(uv_handle_get_data(handle));
  self->readable_();
  // libuv stops at POLLERR, by which a netlink socket reports ENOBUFS; reading has cleared the error.
  if (status < 0 && !self->closed_ && !self->paused_) self->start();
}

void UvPoll::on_closed(void* handle) {
  const auto closed = std::move(static_cast<UvPoll*>(uv_handle_get_data(handle))->closed_);
  closed();  // may destroy the object
}
