// Network namespaces as places to put a node: a LAN behind a router, an Internet of its own. They have no names in the
// system and vanish with the test, whatever becomes of it. Needs root.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace np2p::real::test {

class Namespace {
 public:
  Namespace() {
    // A thread can leave for a new namespace by itself; its file is what keeps the namespace alive afterwards.
    std::thread([this] {
      if (::unshare(CLONE_NEWNET) == 0) file_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }).join();
    if (file_ < 0) throw std::runtime_error("cannot make a network namespace: is this root?");
    run("ip link set lo up");
  }
  ~Namespace() { ::close(file_); }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // As ip(8) takes it after "netns".
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_);
  }
  // A command inside, that must succeed.
  void run(const std::string& command) const {
    if (!succeeds(command)) throw std::runtime_error("failed: " + command);
  }
  [[nodiscard]] bool succeeds(const std::string& command) const {
    const int status = std::system(("nsenter --net=" + path() + " -- " + command).c_str());
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  // This thread is inside while this lives; what it opens and which threads it starts stay there.
  class Visit {
   public:
    explicit Visit(const Namespace& place) : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
      if (::setns(place.file_, CLONE_NEWNET) != 0) throw std::runtime_error("cannot enter a network namespace");
    }
    ~Visit() {
      if (::setns(home_, CLONE_NEWNET) != 0) std::abort();
      ::close(home_);
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    int home_;
  };
  template <class Act>
  void inside(Act&& act) const {
    const Visit visit(*this);
    act();
  }

 private:
  int file_ = -1;
};

// A cable with one end in each.
inline void connect(const Namespace& a, const std::string& name_a, const std::string& ip_a, const Namespace& b,
                    const std::string& name_b, const std::string& ip_b) {
  a.run("ip link add " + name_a + " type veth peer name " + name_b + " netns " + b.path());
  a.run("ip addr add " + ip_a + " dev " + name_a);
  a.run("ip link set " + name_a + " up");
  b.run("ip addr add " + ip_b + " dev " + name_b);
  b.run("ip link set " + name_b + " up");
}

}  // namespace np2p::real::test
