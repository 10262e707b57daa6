#include "open_watch.h"

#include "convert.h"

namespace {

/// Checks whether JavaScript can run: an ending thread (process.exit, terminate) may still run its loop, but no
/// JavaScript.
bool runs_javascript(napi_env env) {
  napi_value probe = nullptr;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return true;
  return napi_create_object(env, &probe) == napi_ok && napi_set_named_property(env, probe, "probe", probe) == napi_ok;
}

/// Reports an exception of a callback as if the event loop had called it: 'uncaughtException'.
void rethrow_to_loop(napi_env env) {
  napi_value error = nullptr;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

}  // namespace

OpenWatch::OpenWatch(Napi::Function callback, std::shared_ptr<void> source, Reader read)
    : env_(callback.Env()), callback_(Napi::Persistent(callback)), source_(std::move(source)), read_(std::move(read)) {}

void OpenWatch::start(int fd) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok)
    throw sys::SysError("watch", ENOSYS, "this thread has no event loop");
  poll_ = std::make_unique<UvPoll>(loop, fd, [this] { on_readable(); });
  self_ = shared_from_this();
  // Asynchronous, so that the thread's end waits until libuv has released the handle.
  napi_add_async_cleanup_hook(env_, on_thread_end, this, &hook_);
}

void OpenWatch::unref() {
  if (!closing_) poll_->unref();
}

void OpenWatch::pause() {
  if (!closing_) poll_->pause();
}

void OpenWatch::resume() {
  if (!closing_) poll_->resume();
}

void OpenWatch::close() {
  if (closing_) return;
  closing_ = true;
  callback_.Reset();
  poll_->close([this] {
    napi_remove_async_cleanup_hook(hook_);
    const auto last = std::move(self_);  // closes the file descriptor
  });
}

void OpenWatch::on_thread_end(napi_async_cleanup_hook_handle, void* watch) { static_cast<OpenWatch*>(watch)->close(); }

void OpenWatch::on_readable() {
  const auto alive = shared_from_this();  // the callback may close us
  const Napi::HandleScope scope(env_);
  if (!runs_javascript(env_)) return close();
  try {
    deliver();
  } catch (const sys::SysError& error) {
    close();
    napi_fatal_exception(env_, to_js_error(env_, error).Value());
  } catch (const Napi::Error& error) {
    // The thread ended while the arguments were made, after the check above.
    if (!runs_javascript(env_)) return close();
    napi_fatal_exception(env_, error.Value());
  }
}

void OpenWatch::deliver() {
  const Napi::Function callback = callback_.Value();  // before reading, which may close us
  const auto arguments = read_(*this);
  if (!arguments) return;
  // A plain call, because the wrapped one makes an Error of every failure, which is fatal if the callback ended its
  // thread.
  napi_value result = nullptr;
  const napi_status status =
      napi_make_callback(env_, nullptr, env_.Global(), callback, arguments->size(), arguments->data(), &result);
  if (status != napi_ok && runs_javascript(env_)) rethrow_to_loop(env_);
}
