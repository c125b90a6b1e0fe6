/* The training rules by name: a rule is one file and one line here. */
#include "trainimpl.h"
#include <string.h>

static const WeftTrainingRule *const rules[] = {&WeftTrainingRuleBackprop, &WeftTrainingRuleRidge,
                                                &WeftTrainingRuleSoftmax, NULL};

const WeftTrainingRule *WeftTrainingRuleFind(const char name[])
{
  for (int i = 0; rules[i]; ++i)
    if (!strcmp(rules[i]->name, name)) return rules[i];
  return NULL;
}
