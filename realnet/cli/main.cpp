#include "realnet/cli/commands.h"

int main(int argc, char** argv) {
  return np2p::real::run({argv + 1, argv + argc});
}
