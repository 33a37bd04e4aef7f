"""From scores over splits to verdicts against one reference fixed beforehand."""
