#pragma once

#include <cerrno>
#include <exception>
#include <string>

namespace sys {

/// What the kernel refused: our verb ("add veth"), its errno, and words about it (the kernel's own where it has any).
class SysError : public std::exception {
 public:
  SysError(std::string op, int error, std::string detail = {});

  const std::string& op() const { return op_; }
  int error() const { return error_; }
  /// "EEXIST"
  std::string name() const;
  /// Empty when there is nothing beyond the errno.
  const std::string& detail() const { return detail_; }
  /// "add veth: EEXIST: <detail>"
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string op_;
  int error_;
  std::string detail_;
  std::string message_;
};

/// Throws the current errno as a SysError.
[[noreturn]] void throw_errno(const std::string& op, const std::string& detail = {});

}  // namespace sys
