#pragma once

#include <cerrno>
#include <exception>
#include <string>

namespace sys {

/// An error of the kernel: our verb ("add veth"), its errno, and a detail (the kernel's own message if there is one).
class SysError : public std::exception {
 public:
  SysError(std::string op, int error, std::string detail = {});

  const std::string& op() const { return op_; }
  int error() const { return error_; }
  /// "EEXIST"
  std::string name() const;
  /// Empty: only the errno is known.
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
