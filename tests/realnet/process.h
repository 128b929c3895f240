// The program as a child process.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace np2p::real::test {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A child process with its output in files.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::string& directory)
      : out_(directory + "/stdout"), err_(directory + "/stderr") {
    std::vector<std::string> words = {NP2P_SERVER};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::unlink(out_.c_str());
    pid_ = ::fork();
    if (pid_ == 0) {
      const int out = ::open(out_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
      const int err = ::open(err_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
      ::dup2(out, 1);
      ::dup2(err, 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~Process() {
    if (pid_ > 0) {
      kill(SIGKILL);
      wait();
    }
  }
  void kill(int signal) const { ::kill(pid_, signal); }
  int wait() {  // exit status; 1000 + signal if killed
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  [[nodiscard]] std::string out() const { return read_text(out_); }
  [[nodiscard]] std::string err() const { return read_text(err_); }
  // A value of the lines that a server prints at its start, e.g. "api"; empty if it does not come within half a minute
  // (a busy disk takes its time).
  [[nodiscard]] std::string announced(const std::string& name) const {
    for (int attempt = 0; attempt < 600; ++attempt) {
      std::stringstream text(out());
      for (std::string line; std::getline(text, line);) {
        if (!text.eof() && line.rfind(name, 0) == 0 && line.find(": ") == name.size())
          return line.substr(name.size() + 2);
      }
      ::usleep(50'000);
    }
    return {};
  }
  [[nodiscard]] std::uint16_t api_port() const {
    const std::string url = announced("api");
    if (url.empty()) throw std::runtime_error("the server did not start: " + err());
    return static_cast<std::uint16_t>(std::atoi(url.substr(url.rfind(':') + 1).c_str()));
  }

 private:
  std::string out_;
  std::string err_;
  pid_t pid_ = 0;
};

}  // namespace np2p::real::test
