#include "rtnl/netns_ahead.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "sys/netns.h"

namespace rtnl {
namespace {

constexpr size_t kMostBegun = 8;
constexpr std::chrono::seconds kKept{1};

struct Begun {
  bool ended = false;
  bool taken = false;
  /// nothing after `ended`: it could not be made
  std::optional<LooseNetns> made;
};

/// The namespaces that were begun. One per process, because one thread begins a namespace and another one takes it.
struct Board {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::shared_ptr<Begun>> begun;
};

/// Never destroyed, because threads may still run while the process exits.
Board& board() {
  static Board* const all = new Board;
  return *all;
}

std::optional<LooseNetns> make(const std::vector<sys::Sysctl>& settings) {
  const std::string op = "begin netns";
  try {
    sys::unshare_netns(op);
    sys::bring_loopback_up(op);
    sys::set_known_sysctls(sys::ProcRoot::fresh(), settings);
    return own_netns(op);
  } catch (const sys::SysError&) {
    // the caller makes a namespace itself, and reports the error
    return std::nullopt;
  }
}

void forget(Board& all, const std::string& path, const std::shared_ptr<Begun>& mine) {
  const auto found = all.begun.find(path);
  if (found != all.begun.end() && found->second == mine) all.begun.erase(found);
}

void make_for(const std::string& path, const std::vector<sys::Sysctl>& settings, const std::shared_ptr<Begun>& mine) {
  std::optional<LooseNetns> made = make(settings);
  Board& all = board();
  std::unique_lock lock(all.mutex);
  mine->made = std::move(made);
  mine->ended = true;
  all.changed.notify_all();
  // this thread keeps the namespace alive until it was taken
  all.changed.wait_for(lock, kKept, [&] { return mine->taken; });
  forget(all, path, mine);
}

}  // namespace

void begin_netns(const std::string& path, std::vector<sys::Sysctl> settings) {
  Board& all = board();
  const auto mine = std::make_shared<Begun>();
  const std::lock_guard lock(all.mutex);
  if (all.begun.size() >= kMostBegun || !all.begun.emplace(path, mine).second) return;
  try {
    std::thread(make_for, path, std::move(settings), mine).detach();
  } catch (const std::system_error&) {
    forget(all, path, mine);
  }
}

std::optional<LooseNetns> take_begun_netns(const std::string& path) {
  Board& all = board();
  std::unique_lock lock(all.mutex);
  const auto found = all.begun.find(path);
  if (found == all.begun.end()) return std::nullopt;
  const std::shared_ptr<Begun> begun = found->second;
  all.begun.erase(found);
  all.changed.wait(lock, [&] { return begun->ended; });
  begun->taken = true;
  all.changed.notify_all();
  return std::move(begun->made);
}

}  // namespace rtnl
