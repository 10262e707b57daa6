#include "nft/ruleset.h"

#include <dlfcn.h>

#include <cstdint>
#include <memory>
#include <type_traits>

#include "sys/sys_error.h"

namespace nft {
namespace {

constexpr char kOp[] = "load ruleset";

// From <nftables/libnftables.h>. The library is loaded at run time, so that the build needs no -dev package, and
// programs that do not load a ruleset do not need the library.
struct Context;
using NewContext = Context*(uint32_t flags);
using BufferErrors = int(Context*);
using RunBuffer = int(Context*, const char* commands);
using ErrorBuffer = const char*(Context*);
using FreeContext = void(Context*);

class Library {
 public:
  Library() : handle_(dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      throw sys::SysError(kOp, ENOENT, "libnftables.so.1 not found: install the package nftables");
    }
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { dlclose(handle_); }

  template <class Function>
  Function* symbol(const char* name) const {
    void* found = dlsym(handle_, name);
    if (found == nullptr) throw sys::SysError(kOp, ENOSYS, std::string("libnftables.so.1 lacks ") + name);
    return reinterpret_cast<Function*>(found);
  }

 private:
  void* handle_;
};

std::string without_trailing_newline(std::string text) {
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

}  // namespace

void load_ruleset(const std::string& text) {
  const Library library;
  auto* free_context = library.symbol<FreeContext>("nft_ctx_free");
  const std::unique_ptr<Context, FreeContext*> context(library.symbol<NewContext>("nft_ctx_new")(0), free_context);
  if (!context) throw sys::SysError(kOp, ENOMEM);
  // Both streams go to buffers of the context, because the library must not write to our stdout.
  library.symbol<BufferErrors>("nft_ctx_buffer_error")(context.get());
  library.symbol<BufferErrors>("nft_ctx_buffer_output")(context.get());
  if (library.symbol<RunBuffer>("nft_run_cmd_from_buffer")(context.get(), text.c_str()) == 0) return;
  const char* words = library.symbol<ErrorBuffer>("nft_ctx_get_error_buffer")(context.get());
  throw sys::SysError(kOp, EINVAL, without_trailing_newline(words != nullptr ? words : ""));
}

}  // namespace nft
