# git over a tree of a thousand files.
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@e
export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z'
t commit
must git init -q -b main r; cd r || exit
for d in $(seq 10); do mkdir d$d; for f in $(seq 100); do seq $f $((f + d)) > d$d/f$f; done; done
must git add .; must git commit -qm first; git rev-parse HEAD; git ls-files | wc -l
seq 500 > d3/f4; rm d5/f6; chmod +x d1/f1; git status --short; must git commit -qam second; git rev-parse HEAD
git log --stat --oneline | cat; git diff HEAD~ --numstat | cat; cd ..
t clone
must git clone -q r local; must git clone -q --no-local r full; must git clone -q --shared r shared
diff -r --exclude .git r full && echo same; git -C full rev-parse HEAD; git -C shared fsck --full
t work
cd full || exit
must git checkout -q -b side HEAD~; echo side > d1/f2; must git commit -qam side; must git checkout -q main
must git merge -q -m merged side; git rev-parse HEAD; must git rebase -q HEAD~1; git stash list
echo x >> d2/f2; must git stash -q; git status --short; must git stash pop -q; git status --short; git checkout -q .
must git gc -q; git fsck --full; git count-objects; must git repack -adfq; git grep -c '^500$' | cat
must git push -q origin side; git -C ../r branch; must git worktree add -q ../wt side; ls ../wt | wc -l
git archive HEAD | tar t | wc -l; git bundle create -q ../b HEAD main; git bundle verify -q ../b && echo verified
git -c protocol.file.allow=always submodule --quiet add ../r sub; git submodule status | cut -c 2-41; git blame d3/f4 | wc -l
