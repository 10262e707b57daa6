#include "sys/sys_error.h"

#include <cstring>
#include <utility>

namespace sys {

SysError::SysError(std::string op, int error, std::string detail)
    : op_(std::move(op)), error_(error), detail_(std::move(detail)) {
  message_ = op_ + ": " + name();
  if (!detail_.empty()) message_ += ": " + detail_;
}

std::string SysError::name() const {
  const char* name = strerrorname_np(error_);
  // Some errnos of netlink (ENOTSUPP, 524) are internal to the kernel, and have no name in libc.
  return name != nullptr ? name : "E" + std::to_string(error_);
}

void throw_errno(const std::string& op, const std::string& detail) { throw SysError(op, errno, detail); }

}  // namespace sys
